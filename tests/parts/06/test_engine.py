"""Requests wait, run one after the other, and end; every token can be told beforehand."""

from itertools import product

import pytest

from ruvon import LLM
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.scheduler import Sequential
from ruvon.engine.sequence import Sequence
from ruvon.engine.sequence import Status
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.memory.single import SingleCache
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_token
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 100


def request(name, prompt=(5, 6, 7), new=4):
    return Request(name, tuple(prompt), SamplingParams(max_tokens=new, temperature=0))


def new_engine(*subscribers, gate=None):
    model = OracleModel(VOCABULARY, context=32, gate=gate)
    parts = STRATEGIES["sequential"](model, Options(32, "cached"))
    return Engine(*parts, lambda _: Text(None), context=32, subscribers=subscribers)


def drain(engine):
    """Step until nothing is left. -> the ids of each request"""
    made = {}
    while engine.busy:
        for output in engine.step():
            made.setdefault(output.id, []).extend(output.increment.ids)
    return made


def test_what_the_oracle_tells_is_a_sum_over_every_token():
    """Two tokens, by hand: the values of each of two layers, weighted by layer and place."""

    def value(token, position, layer, place):
        return ((token + 1) * (position + place + 2) + (token % 7) * place**2 + 17 * layer) % 61

    digest = 0
    for layer in range(2):
        for place in range(16):
            total = value(5, 0, layer, place) + value(6, 1, layer, place)
            digest += total * (place + 1) * (layer + 1)
    assert oracle_token([5, 6], 1000) == digest % 1000 == 389


def test_two_requests_as_in_the_table():
    """Part 6's table by hand: what each step computes, and who waits."""
    engine = new_engine()
    engine.add(request("A", [1, 2, 3], new=2))
    engine.add(request("B", [4, 5], new=3))
    rows = []
    while engine.busy:
        batch = engine.plan()
        [entry] = batch.entries
        rows.append((entry.sequence.id, entry.start, entry.count, [*engine.scheduler.waiting]))
        engine.commit(batch, engine.read(batch, engine.launch(batch)))
    assert rows == [
        ("A", 0, 3, ["B"]),
        ("A", 3, 1, ["B"]),
        ("B", 0, 2, []),
        ("B", 2, 1, []),
        ("B", 3, 1, []),
    ]


def test_who_waits_before_it_does_not_change_a_token():
    prompts = {name: range(place, 2 * place + 1) for place, name in enumerate("abcdef", start=1)}
    engine = new_engine()
    for name, prompt in prompts.items():
        engine.add(request(name, prompt))
    made = drain(engine)
    assert made == {n: oracle_tokens([*p], 4, VOCABULARY) for n, p in prompts.items()}
    assert [*made] == [*prompts]  # first come, first served


def test_a_cache_that_is_not_freed_is_seen_at_once(monkeypatch):
    """The tests can fail: the fault is planted, and the second request falls."""
    monkeypatch.setattr(SingleCache, "free", lambda self, id: setattr(self, "holder", None))
    engine = new_engine()
    for name in "ab":
        engine.add(request(name))
    failed = {}
    while engine.busy:
        for output in engine.step():
            if output.error:
                failed[output.id] = str(output.error)
    assert failed == {"b": "a step begins where the last one ended"}


def test_events_tell_a_life():
    told = []
    engine = new_engine(lambda event: told.append((event.kind, event.request)))
    engine.add(request("a", new=2))
    drain(engine)
    life = ["queued", "started", "computed", "computed", "finished"]
    assert [kind for kind, name in told if name == "a"] == life
    assert [kind for kind, name in told if name is None] == ["step", "step"]


def test_the_cancelled_leave_nothing_and_the_next_one_starts():
    engine = new_engine()
    for name in "abc":
        engine.add(request(name))
    engine.step()
    engine.cancel("a")  # it runs
    engine.cancel("b")  # it waits
    assert drain(engine) == {"c": oracle_tokens([5, 6, 7], 4, VOCABULARY)}
    assert engine.steps == 1 + 4
    assert not engine.live
    assert engine.scheduler.cache.holder is None


def test_a_step_that_fails_ends_only_who_was_in_it():
    calls = iter(range(100))

    def gate():
        if next(calls) == 1:
            raise ZeroDivisionError("planted")

    engine = new_engine(gate=gate)
    for name in "ab":
        engine.add(request(name))
    [first] = engine.step()
    [second] = engine.step()
    assert first.increment
    assert isinstance(second.error, ZeroDivisionError)
    assert drain(engine) == {"b": oracle_tokens([5, 6, 7], 4, VOCABULARY)}


MOVES = {
    (Status.WAITING, Status.RUNNING),
    (Status.WAITING, Status.CANCELLED),
    (Status.WAITING, Status.FAILED),
    (Status.RUNNING, Status.FINISHED),
    (Status.RUNNING, Status.CANCELLED),
    (Status.RUNNING, Status.FAILED),
}


def test_six_moves_and_who_has_ended_makes_none():
    for status, wanted in product(Status, Status):
        sequence = Sequence(request("a"), [1], frozenset(), 2, status=status)
        if (status, wanted) in MOVES:
            sequence.become(wanted)
            assert sequence.status is wanted
        elif status in (Status.FINISHED, Status.CANCELLED, Status.FAILED):
            with pytest.raises(RuntimeError, match=f"is {status} and cannot become {wanted}"):
                sequence.become(wanted)


def test_one_at_a_time():
    class Room:
        """A cache that has room for everybody."""

        def admit(self, id):
            return True

        def free(self, id):
            pass

    scheduler = Sequential(Room())
    for name in "ab":
        scheduler.add(Sequence(request(name), [1, 2], frozenset(), 9))
    for _ in range(3):
        assert [entry.sequence.id for entry in scheduler.schedule().entries] == ["a"]


def test_the_engine_and_the_loop_of_part_2_give_the_same():
    prompts = ["Once upon a time", "One day", "The cat sat on"]
    texts = [
        [
            output.outputs[0].token_ids
            for output in LLM(
                "story-nano", device="cpu", dtype="float64", strategy=strategy
            ).generate(prompts, SamplingParams(max_tokens=12, temperature=0))
        ]
        for strategy in ("direct", "sequential")
    ]
    assert texts[0] == texts[1]
