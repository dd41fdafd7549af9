"""Part 00 · What checks are written with. It lives in the process that runs a learner's code.

    def check(exam):
        from ruvon.attention.full import causal_attention  # the learner's

        for q, k, v in small_ones_and_larger_ones():
            with exam.case("causal_attention(layer, q, k, v)", q=q, k=k, v=v):
                seen = causal_attention(LAYER, q, k, v)
                exam.equal(seen, by_hand(q, k, v), lambda: {"No mask.": no_mask(q, k, v)})

All cases run; of those that fail the smallest is shown. A mistake is named when its output is the
learner's, so whoever writes a check says what each known mistake would give.

What other exercises take out of the package must not spoil a check. So there is the engine's own
module: `original("ruvon/memory/contiguous.py", part=3)`, after `from checking import original`.
"""

import linecache
import traceback
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from types import TracebackType
from typing import Any

import torch

# Relative: `ruvon` is the learner's here, and this package is loaded from the course's checkout.
from .values import alike
from .values import difference
from .values import nudge
from .values import plain
from .values import same
from .values import show
from .values import unlike

HOLE = "write this body"


class Failed(Exception):
    """A case that is not as it should be.

    Lines of (label, value) say what was seen. `named` are the mistakes that may be behind it.
    """

    def __init__(
        self,
        message: str,
        seen: Sequence[tuple[str, str]] = (),
        named: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.seen = list(seen)
        self.named = list(named)


class TimeUp(BaseException):
    """The limit on processor time was reached: raised wherever the learner's code is then."""


class Exam:
    """The cases of one check, and what came of them."""

    def __init__(self, part: str, file: str) -> None:
        """`part` is the folder of the learner's part; `file` is what they edit in it."""
        self.part = part
        self.file = file
        # What the learner wrote, where it is not the engine: values, or tests by their name.
        self.answers: Mapping[str, Any] = {}
        self.tests: Mapping[str, Callable[..., Any]] = {}
        self.cases = 0
        self.late = False
        self.failures: list[dict[str, Any]] = []

    def smallest(self) -> dict[str, Any] | None:
        """The smallest case that failed, with the mistake that explains most of all that did."""
        if not self.failures:
            return None
        first = min(self.failures, key=lambda failure: (failure["size"], failure["number"]))
        named = [mistake for failure in self.failures for mistake in failure["named"]]
        if first["named"]:
            first["message"] = max(first["named"], key=named.count)
        return first

    def case(self, what: str, **inputs: Any) -> "Case":
        """One case, as a context: what is called, with what. Whatever fails in it is kept."""
        return Case(self, what, inputs)

    def need(self, holds: object, message: str, /, **seen: Any) -> None:
        """Fail with `message` unless it holds; `seen` is shown."""
        if not holds:
            raise Failed(message, [(name, show(value)) for name, value in seen.items()])

    def equal(
        self,
        got: Any,
        want: Any,
        mistakes: Callable[[], Mapping[str, Any]] | None = None,
        otherwise: str = "",
        tolerance: float = 1e-4,
    ) -> None:
        """Fail unless `got` is `want`: a tensor in shape and within `tolerance`, else by ==.

        `mistakes` gives, for each mistake, what it would have made. Those that made `got` are
        named. When none did, `otherwise` is said of a value of the right kind and shape.
        """
        if problem := difference(got, want, tolerance):
            made = mistakes() if mistakes else {}
            named = [mistake for mistake, value in made.items() if same(got, value, tolerance)]
            seen = [("expected", show(want)), ("got", show(got))]
            if isinstance(want, torch.Tensor) and (named or otherwise):
                seen.append(("", problem))
            told = otherwise if alike(got, want) else ""
            raise Failed(told or problem, seen, named)

    def answer(self, key: str, want: Any, mistakes: Mapping[Any, str] | None = None) -> None:
        """Hold one entry of the learner's answers to `want`, which is never shown.

        `mistakes` says, for a wrong value, what thought leads to it.
        """
        with self.case(key):
            got = self.answers.get(key, "?")
            thoughts = [m for wrong, m in (mistakes or {}).items() if wrong == plain(got)]
            empty = got == "?" or (isinstance(got, list) and (not got or "?" in got))
            if got != want and empty and not thoughts:
                raise Failed("There is no answer here yet.")
            if wrong := unlike(got, want):
                raise Failed(wrong, [("yours", show(got))])
            if got != want:
                raise Failed(thoughts[0] if thoughts else nudge(got, want), [("yours", show(got))])

    def judge(
        self,
        test: Callable[..., Any],
        right: Mapping[str, Any],
        wrong: Mapping[str, Any],
    ) -> None:
        """A learner's test must accept each right subject, and reject each wrong one."""
        for name, subject in right.items():
            with self.case(f"your test, given {name}"):
                try:
                    self.run_test(test, subject)
                except AssertionError as error:
                    where = place(error.__traceback__, self)
                    raise Failed("Your test rejects code that is right.", where) from error
        for name, subject in wrong.items():
            with self.case(f"your test, given {name}"):
                try:
                    self.run_test(test, subject)
                except (Failed, NotImplementedError):
                    raise
                except Exception:
                    continue
                raise Failed(f"Your test accepts code that is wrong: {name}.")

    def run_test(self, test: Callable[..., Any], subject: Any) -> None:
        """Run a learner's test. What it draws at random is the same in every check."""
        torch.manual_seed(0)
        given_back = test(subject)
        self.need(
            given_back is None,
            "Your test gives something back, and nobody looks at it. It has to `assert`.",
            given_back=given_back,
        )


class Case:
    """The context of one case."""

    def __init__(self, exam: Exam, what: str, inputs: Mapping[str, Any]) -> None:
        self.exam = exam
        self.what = what
        # Shown as they were: the learner's code may change what it is given.
        self.inputs = [(name, show(value)) for name, value in inputs.items()]
        self.size = sum(value.numel() for value in inputs.values() if torch.is_tensor(value))

    def __enter__(self) -> "Case":
        self.exam.cases += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            return False
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return False
        if isinstance(error, TimeUp):  # it ends every case that is open, and one will tell of it
            self.exam.late, told = True, self.exam.late
            if told:
                return False
        message, seen = explain(error, trace, self.exam)
        self.exam.failures.append(
            {
                "case": self.what,
                "inputs": self.inputs,
                "message": message,
                "hole": is_hole(error),
                "named": error.named if isinstance(error, Failed) else [],
                "seen": seen,
                "size": self.size,
                "number": self.exam.cases,
            }
        )
        return not isinstance(error, TimeUp)


@cache
def original(name: str, part: int) -> ModuleType:
    """A module of the engine as that part has it, whatever the learner's own looks like now."""
    from ruvon.course.manifest import checkout
    from ruvon.course.tags import TaggedSource

    text = (checkout() / name).read_text(encoding="utf-8")
    module = ModuleType(name)
    exec(compile(TaggedSource(name, text).text(part, clean=True), name, "exec"), vars(module))
    return module


def explain(
    error: BaseException, trace: TracebackType | None, exam: Exam
) -> tuple[str, list[tuple[str, str]]]:
    """What an exception means to a learner, and the line of theirs where it arose."""
    if isinstance(error, Failed):
        return str(error), error.seen
    if isinstance(error, SyntaxError) and str(error.filename).startswith(f"{exam.part}/"):
        line = (error.text or "").strip()
        label = f"{str(error.filename)[len(exam.part) + 1 :]}, line {error.lineno}"
        return f"A file is no Python: {error.msg.rstrip('.?')}.", [(label, line)]
    where = place(trace, exam)
    if is_hole(error):
        which = str(error).partition(":")[0]
        return f"There is still a hole: {which}.", where
    if isinstance(error, TimeUp):
        return "It took too long. Does a loop never end?", where
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "It asked for more memory than the limit.", where
    if not where:
        return f"It does not fit how it is called, or what it should give: {describe(error)}", []
    return f"Your code stopped: {describe(error)}", where


def is_hole(error: BaseException) -> bool:
    """Whether a body was called that has not been written."""
    return isinstance(error, NotImplementedError) and HOLE in str(error)


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def place(trace: TracebackType | None, exam: Exam) -> list[tuple[str, str]]:
    """The innermost line of the file that the learner edits; else of their package."""
    frames = traceback.extract_tb(trace)
    for inside in (f"{exam.part}/{exam.file}", f"{exam.part}/"):
        for frame in reversed(frames):
            if frame.filename.startswith(inside):
                name = frame.filename[len(exam.part) + 1 :]
                code = linecache.getline(frame.filename, frame.lineno or 0).strip()
                return [(f"{name}, line {frame.lineno}", code)]
    return []
