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
    # One after the other, the longest first.
    engine = new_engine()
    want = []
    for length in (6, 4, 5, 1):
        engine.add(request(f"r{length}", range(length), 3))
        want += told(f"r{length}", range(length), 3)
    assert drain(engine) == want
    assert not engine.busy

    # Who runs is cancelled, at each moment.
    for steps in (1, 2, 3):
        engine = new_engine()
        engine.add(request("long", range(9), 4))
        engine.add(request("b", [3], 2))
        engine.add(request("c", [4], 2))
        got = take(engine, steps)
        engine.cancel("long")
        got += drain(engine)
        assert got == told("long", range(9), 4)[:steps] + told("b", [3], 2) + told("c", [4], 2)
        engine.add(request("long", [7], 1))
        assert drain(engine) == told("long", [7], 1)

    # Who waits is cancelled.
    engine = new_engine()
    for name in "abcd":
        engine.add(request(name, [1, 2], 2))
    engine.cancel("b")
    assert [name for name, _ in drain(engine)] == ["a", "a", "c", "c", "d", "d"]

    # Names that nobody has.
    engine = new_engine()
    engine.cancel("a")
    engine.add(request("a", [1, 2], 2))
    engine.add(request("b", [1], 2))
    got = take(engine, 1)
    engine.cancel("x")
    assert got + drain(engine) == told("a", [1, 2], 2) + told("b", [1], 2)
