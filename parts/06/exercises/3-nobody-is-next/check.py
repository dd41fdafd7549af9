"""Stories of requests that start and end in every way, and a book of who holds the place."""

import logging
import sys

import torch
from checking import Failed
from checking import original

# A request starts, computes (its step is written down), or ends in some way.
STORIES = (
    ["a comes", "a starts", "a computes", "a finished"],
    ["a comes", "a cancelled"],
    ["a comes", "a starts", "a failed"],
    ["a comes", "a starts", "a cancelled"],
    ["a comes", "a failed"],
    ["a comes", "b comes", "a starts", "b cancelled", "a computes", "a finished"],
    ["a comes", "b comes", "a starts", "a computes", "b cancelled", "a computes", "a finished"],
    ["a comes", "b comes", "a starts", "b failed", "a cancelled"],
    ["a comes", "b comes", "a starts", "a failed", "b starts", "b computes", "b finished"],
    ["a comes", "b comes", "a starts", "a computes", "a failed", "b starts", "b failed"],
    ["a comes", "b comes", "c comes", "b cancelled", "a starts", "a computes", "a cancelled"],
    ["a comes", "a finished"],
    ["a comes", "b comes", "a starts", "b finished", "a finished"],
    ["a comes", "a starts", "a waiting", "a finished"],
    ["a comes", "a starts", "a finished", "a finished"],
    ["a comes", "b comes", "a starts", "a failed", "b starts", "a cancelled", "b failed"],
)
LEGAL = {"waiting": ("cancelled", "failed"), "running": ("finished", "cancelled", "failed")}


def check(exam):
    restore()
    for story in STORIES:
        play(exam, story)
    with exam.case("an engine: a prompt without numbers, and one behind it"):
        check_whole(exam)


def restore():
    """Undo what other exercises have opened in the learner's folder."""
    from ruvon.engine import scheduler

    whole = original("ruvon/engine/scheduler.py", part=6)
    for name in ("start_next", "commit"):
        setattr(scheduler.Scheduler, name, vars(whole.Scheduler)[name])
    scheduler.Sequential.schedule = whole.Sequential.schedule
    for name in ("memory/single", "engine/core"):
        sys.modules[f"ruvon.{name.replace('/', '.')}"] = original(f"ruvon/{name}.py", part=6)


class Cache:
    """One place, and who has it."""

    def __init__(self):
        self.who, self.calls = None, []

    def admit(self, id):
        if self.who is not None:
            return False
        self.who = id
        return True

    def free(self, id):
        self.calls.append(id)
        if self.who == id:
            self.who = None

    def __getattr__(self, name):
        raise Failed(f"A scheduler knows of a cache only `admit` and `free`, and not `{name}`.")


def play(exam, story):
    """Tell a story up to the first moment that is not as it should be."""
    from ruvon.engine.backend import Request
    from ruvon.engine.scheduler import Entry
    from ruvon.engine.scheduler import Sequential
    from ruvon.engine.sequence import Sequence
    from ruvon.engine.sequence import Status
    from ruvon.sampling.params import SamplingParams

    scheduler, book, all_of_them = Sequential(Cache()), {}, {}
    with exam.case("what happens, and who holds the place") as case:
        for happens in story:
            name, what = happens.split()
            told = list(case.inputs)
            if what not in ("comes", "starts", "computes"):
                happens = f"end({name}, {what.upper()})"
            case.inputs.append((happens, ""))
            if what == "comes":
                request = Request(name, (1, 2, 3), SamplingParams())
                all_of_them[name] = Sequence(request, [1, 2, 3], frozenset(), 99)
                scheduler.add(all_of_them[name])
                book[name] = "waiting"
            elif what == "starts":
                exam.need(scheduler.start_next(), "The place is free, and nobody can start.")
                book[name] = "running"
            elif what == "computes":
                one = all_of_them[name]
                scheduler.commit(Entry(one, one.computed, one.missing), [7])
            else:
                end(exam, scheduler, all_of_them[name], Status(what), book)
            case.inputs = [*told, (happens, told_of(book))]


def told_of(book):
    """Who holds the place."""
    return next((f"{name} holds it" for name, at in book.items() if at == "running"), "free")


def end(exam, scheduler, sequence, status, book):
    """End a request, look at everything, and write it into the book."""
    name, was, raised = sequence.id, book[sequence.id], None
    before = len(scheduler.cache.calls)
    try:
        scheduler.end(sequence, status)
    except (RuntimeError, KeyError) as error:
        raised = error
        if isinstance(error, NotImplementedError):
            raise
    freed = scheduler.cache.calls[before:]
    if status not in LEGAL.get(was, ()):
        refused(exam, scheduler, sequence, raised, freed, book)
        return
    if raised:
        raise raised
    book[name] = str(status)
    exam.need(sequence.status == status, f"The request has to become {status}.")
    compare(
        exam,
        scheduler,
        book,
        "Who has ended has to leave the queue, and nobody else.",
        "Who has ended does not run any more. The others do.",
    )
    if was == "waiting":
        exam.need(
            not freed,
            f"{name} only waited. It holds nothing, so it has nothing to give back.",
            given_back=freed,
        )
        return
    exam.need(
        freed,
        f"{name} ran and has ended, and its place was not given back. Nobody can start now.",
    )
    exam.need(freed == [name], "A place is given back once, by its own id.", given_back=freed)


def refused(exam, scheduler, sequence, raised, freed, book):
    """A move that is not legal has to raise, and to change nothing."""
    was = book[sequence.id]
    exam.need(raised, f"A request that is {was} was ended once more, and nothing was raised.")
    exam.need(
        isinstance(raised, RuntimeError),
        "A move that is not legal raises RuntimeError. So `become` comes first.",
        raised=raised,
    )
    nothing = "A move that is not legal has to change nothing,"
    exam.need(sequence.status == was, f"{nothing} and the status is another one now.")
    compare(
        exam,
        scheduler,
        book,
        f"{nothing} and it has left the queue. So `become` comes first.",
        f"{nothing} and it does not run any more. So `become` comes first.",
    )
    exam.need(
        not freed,
        f"{nothing} and a place was given back. So `become` comes first.",
        given_back=freed,
    )


def compare(exam, scheduler, book, not_waiting, not_running):
    """Who waits and who runs: in the scheduler, and in the book."""
    for queue, message in (("waiting", not_waiting), ("running", not_running)):
        want = [name for name, at in book.items() if at == queue]
        got = list(getattr(scheduler, queue))
        exam.need(got == want, message, **{queue: got})


def check_whole(exam):
    """The story of the text, through an engine."""
    from ruvon.engine.backend import Request
    from ruvon.engine.core import Engine
    from ruvon.engine.strategies import STRATEGIES
    from ruvon.engine.strategies import Options
    from ruvon.engine.text import Text
    from ruvon.models.oracle import OracleModel
    from ruvon.models.oracle import oracle_tokens
    from ruvon.sampling.params import SamplingParams

    logging.getLogger("ruvon.engine").disabled = True  # b is meant to fail
    model = OracleModel(100, 64)
    engine = Engine(
        *STRATEGIES["sequential"](model, Options(64, "cached")), lambda _: Text(None), context=64
    )
    logits, prompts = model.logits, {"a": (5, 6, 7), "b": (1, 2, 3, 4), "c": (8, 9)}
    model.logits = lambda hidden: (
        logits(hidden) * torch.nan if "b" in engine.scheduler.running else logits(hidden)
    )
    for name, prompt in prompts.items():
        engine.add(Request(name, prompt, SamplingParams(max_tokens=1)))
    got = {}
    for _ in prompts:
        for output in engine.step():
            got[output.id] = output.increment.ids if output.increment else "failed"
    want = {name: tuple(oracle_tokens(prompt, 1, 100)) for name, prompt in prompts.items()}
    want["b"] = "failed"
    exam.need(
        "c" in got, "c waits behind b, which failed in its first step, and gets nothing.", got=got
    )
    exam.equal(got, want, otherwise="Not these tokens.")
    exam.need(not engine.busy, "All three have ended, and the engine still has something to do.")
