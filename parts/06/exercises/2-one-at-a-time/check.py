"""A scheduler over a cache that only says yes or no, against plain lists."""

import logging
import sys
from functools import partial
from types import SimpleNamespace

from checking import Failed
from checking import original

# Ids, computed, count, new ids, stops, limit: what commit is given. The smallest come first.
STEPS = (
    ([5], 0, 1, [8], (), 9),
    ([5, 6, 7], 0, 3, [8], (), 9),
    ([5, 6, 7, 8], 3, 1, [9], (), 9),
    ([5, 6, 7, 8], 3, 1, [9], (), 5),
    ([5, 6, 7, 8], 3, 1, [9], (), 6),
    ([5, 6, 7, 8], 3, 1, [9], (9,), 8),
    ([5, 6, 7, 8], 3, 1, [9], (9,), 5),
    ([5, 6, 7], 0, 3, [8], (5, 6), 9),
    ([5, 6, 7], 0, 2, [], (7,), 9),
    ([5, 6, 7], 0, 3, [8, 9, 4], (), 9),
    ([5, 6, 7], 0, 3, [8, 9, 4], (), 5),
    ([5, 6, 7], 0, 3, [8, 9, 4], (9,), 6),
    ([5, 6, 7], 0, 3, [8, 9, 4], (9, 4), 4),
    ([5, 6, 7], 0, 3, [8, 0, 4], (0,), 9),
)


def check(exam):
    restore()
    check_start_next(exam)
    check_schedule(exam)
    for step in STEPS:
        check_commit(exam, *step)
    if not exam.failures:
        with exam.case("an engine with three requests, step by step"):
            check_whole(exam)


def restore():
    """Undo what other exercises have opened in the learner's folder."""
    from ruvon.engine import scheduler

    whole = original("ruvon/engine/scheduler.py", part=6)
    scheduler.Scheduler.end = whole.Scheduler.end
    for name in ("memory/single", "engine/core"):
        sys.modules[f"ruvon.{name.replace('/', '.')}"] = original(f"ruvon/{name}.py", part=6)


class Cache:
    """Has room for so many, and writes down what it is asked."""

    def __init__(self, room):
        self.room, self.asked = room, []

    def admit(self, id):
        self.asked.append(id)
        self.room -= 1
        return self.room >= 0

    def free(self, id):
        raise Failed(
            "A place in the cache is given back. `commit` only says why; the engine ends it."
        )

    def __getattr__(self, name):
        raise Failed(f"A scheduler knows of a cache only `admit` and `free`, and not `{name}`.")


def new_sequence(name, ids, computed=0, stops=(), limit=99, status="waiting"):
    from ruvon.engine.backend import Request
    from ruvon.engine.sequence import Sequence
    from ruvon.engine.sequence import Status
    from ruvon.sampling.params import SamplingParams

    request = Request(name, tuple(ids[: max(computed, 1)]), SamplingParams())
    return Sequence(request, [*ids], frozenset(stops), limit, computed, Status(status))


def new_scheduler(waiting="", running="", room=1, prompt=(5, 6, 7)):
    """A scheduler in which each letter is a request. Whoever runs has computed its prompt."""
    from ruvon.engine.scheduler import Sequential

    scheduler = Sequential(Cache(room))
    for name in waiting:
        scheduler.add(new_sequence(name, prompt))
    for name in running:
        scheduler.running[name] = new_sequence(name, [*prompt, 8], len(prompt), status="running")
    return scheduler


def state(scheduler):
    """Who waits, who runs, and of which status they are."""
    waiting, running = list(scheduler.waiting), list(scheduler.running)
    statuses = [str(s.status) for s in (*scheduler.waiting.values(), *scheduler.running.values())]
    return SimpleNamespace(waiting=waiting, running=running, statuses=statuses)


def check_start_next(exam):
    for waiting, running, room, starts in (
        ("", "", 1, False),
        ("a", "", 1, True),
        ("abc", "", 1, True),
        ("a", "", 0, False),
        ("ba", "", 0, False),
        ("cb", "", 2, True),
        ("b", "a", 1, True),
        ("", "a", 1, False),
    ):
        scheduler = new_scheduler(waiting, running, room)
        case = f"start_next: {line(waiting)} wait, room for {room}".replace(
            "nobody wait", "none wait"
        )
        with exam.case(case):
            got = scheduler.start_next()
            now, cache = state(scheduler), scheduler.cache
            exam.need(
                waiting or not cache.asked,
                "Nobody waits, and the cache was asked for a place all the same.",
            )
            exam.need(
                cache.asked[:1] == [*waiting[:1]],
                "The cache has to be asked once, for the first in the queue.",
                asked_for=cache.asked,
            )
            exam.need(
                len(cache.asked) < 2,
                "The cache was asked more than once. One call starts one request.",
                asked_for=cache.asked,
            )
            want = [*running, *waiting[:1]] if starts else [*running]
            seen = {"waiting": now.waiting, "running": now.running}
            exam.need(
                starts or now.waiting == [*waiting],
                "The cache has no room, and the request has left the queue. It has to wait on.",
                **seen,
            )
            exam.need(
                now.running == want,
                "The cache let it in, and it is not in `running`, by its id."
                if starts
                else "The cache has no room, and the request runs all the same.",
                **seen,
            )
            exam.need(
                now.waiting == [*waiting[starts:]],
                "Who runs has to leave the queue. The others keep their order.",
                **seen,
            )
            right = ["waiting"] * len(now.waiting) + ["running"] * len(now.running)
            exam.need(
                now.statuses == right,
                "Who waits is WAITING, and who runs is RUNNING: `become` moves it on.",
                **seen,
                statuses=now.statuses,
            )
            exam.equal(got, starts, otherwise="It returns whether somebody was started.")


def line(names):
    return " ".join(names) or "nobody"


def check_schedule(exam):
    for waiting, running, room, prompt in (
        ("", "", 1, (5,)),
        ("a", "", 1, (5,)),
        ("a", "", 1, (5, 6, 7)),
        ("", "a", 1, (5, 6, 7)),
        ("ba", "", 1, (5, 6, 7)),
        ("bc", "a", 1, (5, 6)),
        ("bc", "", 3, (5, 6)),
        ("b", "", 0, (5, 6)),
    ):
        scheduler = new_scheduler(waiting, running, room, prompt)
        if waiting:  # what start_next has to do is asked elsewhere
            scheduler.start_next = partial(started, exam, scheduler)
        case = f"schedule: {line(waiting)} wait, {line(running)} runs, room for {room}"
        with exam.case(case.replace("nobody wait,", "none wait,")):
            # Twice: nothing has been computed in between.
            for _ in range(2):
                made = scheduler.schedule()
                entries = getattr(made, "entries", None)
                exam.need(made is not None, "It gave back nothing (None). Is a `return` missing?")
                exam.need(
                    entries is not None,
                    "A `Batch` is wanted, with the entries in it.",
                    got=made,
                )
                exam.need(
                    isinstance(entries, tuple),
                    "The entries have to be a tuple: nobody changes them later.",
                    got=entries,
                )
                runs = running or (waiting[0] if waiting and room else "")
                exam.need(
                    len(scheduler.running) <= 1,
                    "Several run. One at a time, even if the cache has room for more.",
                    running=list(scheduler.running),
                )
                exam.need(
                    list(scheduler.running) == [*runs],
                    "Nobody runs and somebody waits. The next one has to be started."
                    if runs
                    else "Somebody runs, and nobody should.",
                    running=list(scheduler.running),
                )
                got = [(e.sequence.id, e.start, e.count) for e in entries]
                known = len(prompt) + len(running)
                computed = len(prompt) if running else 0
                want = [(runs, computed, known - computed)] if runs else []
                exam.equal(
                    got,
                    want,
                    partial(entry_mistakes, runs, computed, known),
                    "Not these entries: (whose, start, count).",
                )
                missing = [s.missing for s in scheduler.running.values()]
                exam.need(
                    missing == [count for _, _, count in want],
                    "Nothing is computed yet when a step is planned. `commit` counts it.",
                )
            exam.need(
                len(scheduler.cache.asked) <= 2 - bool(room or running),
                "Somebody runs already, and another one was to be started. One at a time.",
                asked_for=scheduler.cache.asked,
            )


def started(exam, scheduler):
    """`start_next` as it should be."""
    whole = original("ruvon/engine/scheduler.py", part=6)
    return whole.Scheduler.start_next(scheduler)


def entry_mistakes(runs, computed, known):
    return {
        "What is computed already is computed again. A step begins where the last one ended.": [
            (runs, 0, known)
        ],
        "All that is missing is wanted, not only one token.": [(runs, computed, 1)],
        "The count is how many tokens are missing, not how many are known.": [
            (runs, computed, known)
        ],
        "The start is the position of the first token that is not computed.": [
            (runs, known, known - computed)
        ],
        "All that is missing is wanted, and the last token is no exception.": [
            (runs, computed, known - computed - 1)
        ],
        "There is nobody to compute, so there are no entries.": [(None, 0, 0)],
    }


def check_commit(exam, ids, computed, count, new, stops, limit):
    from ruvon.engine.scheduler import Entry
    from ruvon.engine.scheduler import Sequential

    said = f"commit: known {ids}, new {new}, stops {sorted(stops)}, limit {limit}"
    with exam.case(said):
        scheduler = Sequential(Cache(0))
        other = scheduler.running["b"] = new_sequence("b", [1, 2], 1, status="running")
        sequence = new_sequence("a", ids, computed, stops, limit, "running")
        scheduler.running["a"] = sequence
        given = list(new)
        asked = iter(given)
        got = scheduler.commit(Entry(sequence, computed, count), asked)
        known, reason = by_hand(ids, new, stops, limit)
        exam.equal(
            sequence.ids, known, lambda: known_mistakes(ids, new, stops, limit), "Not these ids."
        )
        exam.equal(
            sequence.computed,
            computed + count,
            lambda: {
                "The entry's tokens are computed now, also when the sequence ends here."
                if reason
                else "The entry's tokens are computed now, and that is not counted.": computed,
                "A new token is known, and not computed yet.": computed
                + count
                + len(known[len(ids) :]),
                "The new token is not what was computed. It was the entry's tokens.": (
                    computed + len(known[len(ids) :])
                ),
                "What was computed before still is.": count,
            },
            "Not so many are computed.",
        )
        exam.need(
            str(sequence.status) == "running" and "a" in scheduler.running,
            "`commit` only says why; the engine ends it, since a text can end it, too.",
        )
        exam.need(
            (other.ids, other.computed) == ([1, 2], 1),
            "It changes another sequence than the entry's.",
        )
        late = by_hand(ids, new, stops, limit, length_first=True)[1]
        exam.need(
            got != late or got == reason,
            "First whether the id stops it, and then whether it is long enough.",
            expected=reason,
            got=got,
        )
        exam.need(
            got == reason,
            "Without a new id nothing ends. In the prompt a stop id is only a token."
            if not new
            else "It does not say why the sequence ends."
            if got is None
            else "It goes on, and commit says that it ends."
            if reason is None
            else "Not for this reason.",
            expected=reason,
            got=got,
        )


def by_hand(ids, new, stops, limit, length_first=False):
    """What is known after a step, and why it ends there."""
    known = list(ids)
    for token in new:
        known = [*known, token]
        full, stopped = len(known) >= limit, token in stops
        if full and (length_first or not stopped):
            return known, "length"
        if stopped:
            return known, "stop"
    return known, None


def known_mistakes(ids, new, stops, limit):
    kept, reason = by_hand(ids, new, stops, limit)
    return {
        "What comes after the id that ends it has to be dropped.": ids + new if reason else None,
        "The id that ends it belongs to it.": kept[:-1] if reason else None,
        "The new ids are not written down.": ids,
        "Of several ids only the first was taken.": ids + new[:1],
        "Of several ids only the last was taken.": ids + new[-1:],
        "The ids belong one by one into the list.": [*ids, list(new)],
    }


def check_whole(exam):
    """Three requests through an engine, with the oracle's word for every token."""
    from ruvon.engine.backend import Request
    from ruvon.engine.core import Engine
    from ruvon.engine.strategies import STRATEGIES
    from ruvon.engine.strategies import Options
    from ruvon.engine.text import Text
    from ruvon.models.oracle import OracleModel
    from ruvon.models.oracle import oracle_tokens
    from ruvon.sampling.params import SamplingParams

    logging.getLogger("ruvon.engine").disabled = True  # what fails is told below
    parts = STRATEGIES["sequential"](OracleModel(100, 64), Options(64, "cached"))
    engine = Engine(*parts, lambda _: Text(None), context=64)
    want = []
    for name, prompt, count in (("a", (5, 6, 7), 3), ("b", (8,), 2), ("c", (9, 1), 4)):
        engine.add(Request(name, prompt, SamplingParams(max_tokens=count)))
        want += [(name, token) for token in oracle_tokens(prompt, count, 100)]
    got = []
    for _ in want:
        for output in engine.step():
            if output.error:
                raise output.error
            got += [(output.id, token) for token in output.increment.ids]
    exam.equal(got, want, otherwise="Not these tokens, in this order.")
    exam.need(not engine.busy, "All have their tokens, and the engine still has something to do.")
