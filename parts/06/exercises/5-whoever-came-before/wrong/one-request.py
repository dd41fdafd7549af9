# says: Your test accepts code that is wrong: an engine that never empties
"""6.5 Whoever came before. Write the test at the end; its text says what it is for."""

from ruvon.engine.backend import Request
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 1000  # of the engines' model


def request(name, prompt, count):
    """A request for `count` new tokens."""
    return Request(name, tuple(prompt), SamplingParams(max_tokens=count))


def told(name, prompt, count):
    """What it should get, as the oracle tells it. -> (name, id) for each new token."""
    return [(name, token) for token in oracle_tokens(prompt, count, VOCABULARY)]


def take(engine, steps):
    """Let the engine take so many steps. -> (name, id) for each token, as they came."""
    got = []
    for _ in range(steps):
        for output in engine.step():
            assert output.error is None
            got += [(output.id, token) for token in output.increment.ids]
    return got


def drain(engine):
    """Let the engine step until it has nothing to do. -> (name, id) for each token."""
    got = []
    while engine.busy:
        got += take(engine, 1)
    return got


def test_the_engine(new_engine):
    """Fails for every engine that breaks one of the five promises."""
    engine = new_engine()
    engine.add(request("a", [5, 6, 7], 4))
    assert drain(engine) == told("a", [5, 6, 7], 4)
