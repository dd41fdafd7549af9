# says: a cancel of who waits
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
    engine.add(request("a", [5, 6, 7, 8], 3))
    engine.add(request("b", [1, 2, 3], 4))
    engine.add(request("c", [9], 2))
    engine.add(request("d", [4, 4], 3))
    got = take(engine, 1)
    engine.cancel("nobody")
    got += take(engine, 1)
    engine.cancel("a")  # it runs
    got += drain(engine)
    a, b, d = told("a", [5, 6, 7, 8], 3), told("b", [1, 2, 3], 4), told("d", [4, 4], 3)
    assert got == a[:2] + b + told("c", [9], 2) + d

    engine.cancel("b")  # it has ended
    engine.add(request("b", [7, 8], 2))
    assert drain(engine) == told("b", [7, 8], 2)
