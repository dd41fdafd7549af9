"""The engine, driven step by step over the oracle model: every token can be told beforehand."""

import gc

import pytest
import torch

from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.sequence import NEXT
from ruvon.engine.sequence import Sequence
from ruvon.engine.sequence import Status
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.strategies import pick_strategy
from ruvon.engine.text import Text
from ruvon.errors import RuvonError
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_token
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 1000
WAYS = [
    ("sequential", "cached"),
    ("sequential", "native"),
    ("batched", "ragged"),
    ("batched", "ragged_native"),
    ("continuous", "ragged"),
    ("continuous", "ragged_native"),
]


def new_engine(strategy="sequential", attention="cached", gate=None, **keywords):
    model = OracleModel(VOCABULARY, context=256, gate=gate)
    parts = STRATEGIES[strategy](model, Options(256, attention))
    return Engine(*parts, lambda params: Text(None), context=256, **keywords)


def request(name, prompt=(5, 6, 7), **params):
    return Request(str(name), tuple(prompt), SamplingParams(**{"max_tokens": 4, **params}))


def drain(engine):
    """All outputs until nothing is left: ids of each request, and how it ended."""
    ids, ends = {}, {}
    while engine.busy:
        for output in engine.step():
            assert output.id not in ends, "an output after the end"
            if output.increment is None:
                ends[output.id] = output.error
                continue
            ids.setdefault(output.id, []).extend(output.increment.ids)
            if output.increment.finish_reason:
                ends[output.id] = output.increment.finish_reason
    return ids, ends


@pytest.mark.parametrize(("strategy", "attention"), WAYS)
def test_every_token_is_what_the_oracle_told(strategy, attention):
    engine = new_engine(strategy, attention)
    prompts = {str(n): tuple(range(n, 2 * n + 1)) for n in range(1, 40, 3)}
    for name, prompt in prompts.items():
        engine.add(request(name, prompt, max_tokens=1 + len(prompt) % 7))
    ids, ends = drain(engine)
    for name, prompt in prompts.items():
        assert ids[name] == oracle_tokens(prompt, 1 + len(prompt) % 7, VOCABULARY), name
        assert ends[name] == "length"


def test_a_stale_cache_is_a_wrong_token_at_once():
    engine = new_engine()
    cache = engine.runner.attention.cache
    engine.add(request("a", max_tokens=30))
    engine.step()
    cache.values[1][0, 1] += 1  # one value of one token, in one layer
    [output] = engine.step()
    known = [5, 6, 7, oracle_token([5, 6, 7], VOCABULARY)]
    assert output.increment.ids[0] != oracle_token(known, VOCABULARY)


def test_first_come_first_served_and_one_at_a_time():
    order = []
    engine = new_engine(subscribers=[lambda e: order.append((e.kind, e.request))])
    for name in "abc":
        engine.add(request(name))
    drain(engine)
    told = [one for one in order if one[0] in ("queued", "started", "finished")]
    assert told == [
        *[("queued", name) for name in "abc"],
        *[(kind, name) for name in "abc" for kind in ("started", "finished")],
    ]


def test_events_add_up_to_the_ledger_of_positions():
    events = []
    engine = new_engine(subscribers=[events.append], clock=iter(range(10_000)).__next__)
    for n in range(1, 6):
        engine.add(request(n, range(n), max_tokens=n))
    drain(engine)
    for n in range(1, 6):
        mine = [e for e in events if e.request == str(n)]
        computed = [e.numbers for e in mine if e.kind == "computed"]
        assert sum(one["tokens"] for one in computed) == n + n - 1
        assert [one["start"] for one in computed] == [0, *range(n, 2 * n - 1)]
        assert mine[-1].kind == "finished"
        assert mine[-1].numbers == {"prompt": n, "new": n}
        assert [e.time for e in mine] == sorted(e.time for e in mine)
    steps = [e for e in events if e.kind == "step"]
    assert len(steps) == engine.steps == sum(range(1, 6))
    assert [e.step for e in steps] == list(range(1, 16))


def test_cancelled_in_the_queue_and_in_flight():
    kinds = {}
    engine = new_engine(subscribers=[lambda e: kinds.update({e.request: e.kind})])
    for name in "abc":
        engine.add(request(name))
    engine.step()
    engine.cancel("a")  # runs
    engine.cancel("b")  # waits
    engine.cancel("nobody")
    ids, ends = drain(engine)
    assert (list(ids), ends) == (["c"], {"c": "length"})
    assert ids["c"] == oracle_tokens((5, 6, 7), 4, VOCABULARY)
    assert (kinds["a"], kinds["b"], kinds["c"]) == ("cancelled", "cancelled", "finished")


def test_a_step_that_fails_ends_those_who_were_in_it_and_nobody_else():
    calls = iter(range(100))

    def gate():
        if next(calls) == 2:
            raise ZeroDivisionError("planted")

    engine = new_engine(gate=gate)
    for name in "ab":
        engine.add(request(name))
    ids, ends = drain(engine)
    assert isinstance(ends["a"], ZeroDivisionError)
    assert len(ids["a"]) == 2
    assert ids["b"] == oracle_tokens((5, 6, 7), 4, VOCABULARY)


def test_scores_that_are_no_numbers_fail_one_request():
    engine = new_engine()
    logits = engine.runner.model.logits
    engine.runner.model.logits = lambda hidden: logits(hidden) * torch.nan
    engine.add(request("a"))
    [output] = engine.step()
    assert "are not numbers" in str(output.error)
    engine.runner.model.logits = logits
    engine.add(request("b"))
    assert drain(engine)[1] == {"b": "length"}


def test_a_subscriber_that_fails_stops_nothing():
    def broken(event):
        raise ZeroDivisionError

    seen = []
    engine = new_engine(subscribers=[broken, seen.append])
    engine.add(request("a"))
    assert drain(engine)[1] == {"a": "length"}
    assert engine.subscribers == [seen.append] or len(engine.subscribers) == 1
    assert seen[-1].kind == "step"


def test_stops_by_id_and_by_length():
    tokens = oracle_tokens((5, 6, 7), 4, VOCABULARY)
    engine = new_engine()
    engine.add(request("id", stop_token_ids=(tokens[1],)))
    engine.add(request("length", max_tokens=None))
    ids, ends = drain(engine)
    assert (ids["id"], ends["id"]) == (tokens[:2], "stop")
    assert (len(ids["length"]), ends["length"]) == (256 + 1 - 3, "length")


def test_a_prompt_that_does_not_fit_is_refused_and_leaves_nothing():
    engine = new_engine()
    with pytest.raises(RuvonError, match="this model takes 256"):
        engine.add(request("a", range(257)))
    assert not engine.busy


def test_illegal_moves_are_refused():
    for status in Status:
        for wanted in Status:
            sequence = Sequence(request("a"), [1], frozenset(), 2, status=status)
            if wanted in NEXT[status]:
                sequence.become(wanted)
                assert sequence.status is wanted
            else:
                with pytest.raises(RuntimeError, match=f"is {status} and cannot become {wanted}"):
                    sequence.become(wanted)
    assert sum(map(len, NEXT.values())) == 6


def test_an_unknown_strategy_names_the_known():
    with pytest.raises(RuvonError, match="not one of direct, sequential, batched, continuous"):
        pick_strategy("parallel", None)
    assert pick_strategy(None, "full") == "direct"
    with pytest.raises(RuvonError, match="keeps nothing from step to step"):
        new_engine(attention="full")


def test_finished_requests_leave_nothing_behind():
    engine = new_engine()

    def rounds(count):
        for n in range(count):
            engine.add(request(n, max_tokens=1))
            if n % 3 == 0:
                engine.cancel(str(n))
            drain(engine)
        gc.collect()
        return len(gc.get_objects())

    rounds(50)
    before = rounds(50)
    assert rounds(2_000) <= before + 20
    assert not engine.live
    assert not engine.scheduler.waiting
    assert not engine.scheduler.running
