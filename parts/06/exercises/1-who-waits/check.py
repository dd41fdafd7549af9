"""The run is made here, by the engine of this part over its oracle model."""

import re
import sys
from pathlib import Path

from checking import original

PROMPTS = {"a": 3, "b": 6, "c": 2, "d": 1}
NEW = {"a": 5, "b": 3, "c": 4, "d": 2}


def check(exam):
    restore()
    run = Run("abc")
    told = "\n".join(run.log())
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    shown = text.split("```text\n")[1].split("\n```")[0]
    assert re.fullmatch(re.sub("[A-F]", r"\\d+", shown), told), told
    blanks(exam, run)
    about_the_run(exam, run)
    otherwise(exam, run)


def restore():
    """The engine's own modules, whatever other exercises have opened in the learner's folder."""
    for name in ("engine/sequence", "engine/scheduler", "memory/single", "engine/core"):
        sys.modules[f"ruvon.{name.replace('/', '.')}"] = original(f"ruvon/{name}.py", part=6)


class Run:
    """A run of the engine, and what it told."""

    def __init__(self, first, cancelled="c", after=6):
        """`first` are queued at once, in this order, and d when two steps are complete."""
        from ruvon.engine.core import Engine
        from ruvon.engine.strategies import STRATEGIES
        from ruvon.engine.strategies import Options
        from ruvon.engine.text import Text
        from ruvon.models.oracle import OracleModel

        self.events, self.held = [], []
        parts = STRATEGIES["sequential"](OracleModel(100, 64), Options(64, "cached"))
        cache = parts[1].attention.cache
        self.engine = Engine(*parts, lambda _: Text(None), context=64)
        self.engine.subscribers.append(self.events.append)
        self.engine.subscribers.append(lambda event: self.held.append(cache.length))
        for name in first:
            self.add(name)
        while self.engine.busy:
            self.engine.step()
            if self.engine.steps == 2:
                self.add("d")
            if self.engine.steps == after:
                self.engine.cancel(cancelled)

    def add(self, name):
        from ruvon.engine.backend import Request
        from ruvon.sampling.params import SamplingParams

        prompt = tuple(range(1, PROMPTS[name] + 1))
        self.engine.add(Request(name, prompt, SamplingParams(max_tokens=NEW[name])))

    def of(self, kind, name):
        """The events of a kind that are about a request."""
        return [event for event in self.events if (event.kind, event.request) == (kind, name)]

    def step(self, kind, name):
        """How many steps were complete at the first of them."""
        return self.of(kind, name)[0].step

    def waited(self, name):
        return self.step("started", name) - self.step("queued", name)

    def log(self):
        """The events about requests, a line for each."""
        for event in self.events:
            if event.request:
                numbers = ", ".join(f"{name} {value}" for name, value in event.numbers.items())
                yield f"{event.step} {event.kind:9} {event.request}  {numbers}".rstrip()


def blanks(exam, run):
    """What cannot be read in the log."""
    steps = {name: len(run.of("computed", name)) for name in PROMPTS}
    exam.answer(
        "A_new",
        steps["a"],
        {
            steps["a"] - 1: "The step that computes the prompt gives a new token, too.",
            steps["a"] + PROMPTS["a"]: "The prompt is not new. It is told beside it.",
            steps["a"] + PROMPTS["a"] - 1: "So many are computed. How many are new?",
        },
    )
    started = run.step("started", "b")
    exam.answer(
        "B_step",
        started,
        {
            started - 1: "Step 5 was under way then. A new step begins when it is complete.",
            started + 1: "That is the number of the step that b starts with. So many minus one "
            "are complete before it.",
        },
    )
    first, second = (event.numbers for event in run.of("computed", "b")[:2])
    exam.answer(
        "C_tokens",
        first["tokens"],
        {
            1: "Nothing of b is computed yet, so its whole prompt is missing.",
            first["tokens"] + 1: "The new token is sampled in this step, and computed in the next.",
        },
    )
    exam.answer(
        "D_new",
        int(run.of("cancelled", "c")[0].numbers["new"]),
        {
            NEW["c"]: "It was cancelled. How many steps did it have?",
            1: "Did a step compute anything of c?",
        },
    )
    exam.answer(
        "E_start",
        second["start"],
        {
            second["start"] + 1: "Positions are counted from 0.",
            first["start"]: "What is computed stays computed. How many tokens is that?",
            first["start"] + 1: "The first step computed the whole prompt of b.",
        },
    )
    started = run.step("started", "d")
    exam.answer(
        "F_step",
        started,
        {
            started - 1: "Step 8 was under way then. A new step begins when it is complete.",
            started + 1: "That is the number of the step that d starts with.",
            run.step("cancelled", "c"): "c leaves the queue, and b still runs.",
        },
    )


def about_the_run(exam, run):
    """Counts over the whole run."""
    names = set(PROMPTS)
    waiting = sum(
        run.step("queued", name) <= 3 < run.step("started", name)
        if run.of("started", name)
        else run.step("queued", name) <= 3 < run.step("cancelled", name)
        for name in names
    )
    exam.answer(
        "waiting_in_step_4",
        waiting,
        {
            waiting - 1: "Who is in the queue after d came? Who is cancelled later counts now.",
            waiting + 1: "One of the four runs.",
        },
    )
    waited = run.waited("d")
    exam.answer(
        "d_waited_steps",
        waited,
        {
            run.step("started", "d"): "d was not there from the beginning.",
            waited + 1: "The step that computes d is no waiting.",
            len(run.of("computed", "b")): "d waits for a as well.",
            waited - 1: "Both ends are numbers of complete steps: take one from the other.",
        },
    )
    each = [event.numbers for name in names for event in run.of("computed", name)]
    computed = sum(numbers["tokens"] for numbers in each)
    ended = [name for name in names if run.of("finished", name)]
    known = sum(PROMPTS[name] + NEW[name] for name in ended)
    exam.answer(
        "computed_in_all",
        computed,
        {
            known: "The last new token of a request is never computed.",
            computed + PROMPTS["c"]: "Nothing of c was computed.",
            len(each): "A step that computes a prompt computes all its tokens, and the others one.",
        },
    )
    most = max(run.held)
    exam.answer(
        "most_in_the_cache",
        most,
        {
            most + 1: "The last new token of a request is never computed.",
            computed: "Whoever ends gives its place back, and the cache is empty then.",
            max(PROMPTS.values()): "The keys and values of new tokens are kept, too.",
            PROMPTS["a"] + NEW["a"] - 1: "That is a. Does another one need more?",
        },
    )


def otherwise(exam, run):
    """Runs with one thing changed."""
    turned = Run("bac")
    added = turned.waited("a") + turned.waited("b")
    exam.answer(
        "a_and_b_wait_turned",
        added,
        {
            run.waited("a") + run.waited("b"): "That is how long they wait in the log.",
            added + 1: "Only steps count in which one of them does not run.",
            PROMPTS["b"]
            + NEW["b"]
            - 1: "Count steps, not tokens. And who is first waits for nobody.",
            PROMPTS["b"]: "Count steps, not tokens.",
        },
    )
    without = Run("abc", cancelled="a", after=2)
    [third] = [event for event in without.events if (event.kind, event.step) == ("computed", 2)]
    exam.answer(
        "tokens_of_step_3_without_a",
        third.numbers["tokens"],
        {
            1: "a has left, so its one token is not computed. Who is next, and what does it need?",
            0: "No step is lost: the next one starts at once.",
            PROMPTS["c"]: "First come, first served, however long the prompt is.",
        },
    )
