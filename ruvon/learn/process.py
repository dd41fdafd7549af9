"""Part 00 · This side of the process that runs a learner's code."""

import hashlib
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Any

from ruvon.course import alone
from ruvon.course import source
from ruvon.course.exercise import Exercise
from ruvon.course.run import stage_environment

# Two files that run in the other process. Importing them here would import PyTorch, too.
RUNNER = Path(__file__).with_name("runner.py")
CHECKING = Path(__file__).parent / "checking" / "__init__.py"

CPU_SECONDS = 10
WALL_SECONDS = 60
MEMORY_BYTES = 2**30

ENDS = {
    "time": f"It used up {CPU_SECONDS} seconds of processor time. Does a loop never end?",
    "late": f"It had not ended after {WALL_SECONDS} seconds. Does it wait for something?",
    "exit": "Your code ended the process, before the check had ended.",
    "killed": "The process was killed: it asked for too much memory, or crashed.",
}


@dataclass(frozen=True)
class Failure:
    """The smallest case that fails."""

    message: str
    case: str = ""
    # Lines of (label, value).
    inputs: tuple[tuple[str, str], ...] = ()
    seen: tuple[tuple[str, str], ...] = ()
    # Whether nothing has been written yet, and whether cases are known to be small or large.
    hole: bool = False
    sized: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a check found."""

    cases: int = 0
    failed: int = 0
    failure: Failure | None = None
    # The file that was run or read, from the learner's folder; its hash, and which symbols ran.
    file: str = ""
    sha256: str = ""
    ran: dict[str, bool] = field(default_factory=dict)
    # What the learner's code printed.
    printed: str = ""
    # Set when the check itself is at fault, never the learner.
    broken: str = ""

    @property
    def passed(self) -> bool:
        """Whether every case is as it should be, and the learner's code ran."""
        return self.failure is None and not self.broken


class Process:
    """A process that checks, kept so that PyTorch is imported once. Use it in a `with`."""

    def __init__(self, root: Path) -> None:
        """`root` is the checkout that the exercises are of."""
        self.root = root
        self.running: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            assert self.running.stdin is not None
            if kind:  # Ctrl-C, while something runs
                self.running.terminate()
            self.running.stdin.close()
            self.running.wait()

    def start(self) -> subprocess.Popen[str]:
        """Begin to import PyTorch, in the background."""
        if self.running is None or self.running.poll() is not None:
            self.running = subprocess.Popen(
                [sys.executable, "-P", str(RUNNER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**stage_environment(self.root, self.root), "PYTHONPATH": ""},
            )
        return self.running

    def check(self, exercise: Exercise, part: Path, kept: Path | None = None) -> Outcome:
        """Check the learner's file in `part`, the folder of the exercise's part.

        `kept` is an older copy, to be taken in the place of the file.
        """
        path = kept or part.resolve() / exercise.file
        here = f"{part.name}/{exercise.file}"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            gone = f"{here} is gone. Get it back: ruvon learn reset {exercise.name}"
            return Outcome(failure=Failure(gone), file=here)
        except (OSError, UnicodeDecodeError) as error:
            return Outcome(failure=Failure(f"{here} cannot be read: {error}"), file=here)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if failure := unreadable(text, exercise):
            return Outcome(failure=failure, file=here, sha256=digest)
        found = self.ask(
            {
                "part": str(part.resolve()),
                "file": exercise.file,
                "source": text,
                "symbols": exercise.symbols or exercise.tests,
                "check": str(exercise.folder / "check.py"),
                "checking": str(CHECKING),
                "alone": str(Path(alone.__file__)),
                "cpu_seconds": CPU_SECONDS,
                "wall_seconds": WALL_SECONDS,
                "memory_bytes": MEMORY_BYTES,
            }
        )
        return outcome(found, here, digest)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request, and wait for the answer."""
        running = self.start()
        assert running.stdin is not None and running.stdout is not None
        running.stdin.write(json.dumps(request) + "\n")
        running.stdin.flush()
        line = running.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"ended": "killed"}
        return answer


def unreadable(text: str, exercise: Exercise) -> Failure | None:
    """Why a learner's file cannot be run at all."""
    if exercise.file.endswith(".toml"):
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            rules = "A text stands in quotes, a list in [ ]; a formula has to be worked out."
            return Failure(f"It is no TOML: {error}. {rules}")
        return None
    try:
        for symbol in exercise.symbols or exercise.tests:
            source.find(text, symbol)
        source.parse(text)
    except source.SourceError as error:
        where = ((f"{exercise.file}, line {error.line}", line_of(text, error.line)),)
        return Failure(
            f"{str(error)[0].upper()}{str(error)[1:]}.", seen=where if error.line else ()
        )
    return None


def line_of(text: str, number: int | None) -> str:
    """A line of a text, counted from 1; empty past its end."""
    lines = text.split("\n")
    return lines[number - 1].strip() if number and number <= len(lines) else ""


def outcome(found: dict[str, Any], file: str, digest: str) -> Outcome:
    """What the process reported, as an Outcome."""
    failure = None
    if first := found.get("failure"):
        failure = Failure(
            first["message"],
            first["case"],
            inputs=tuple((label, value) for label, value in first["inputs"]),
            seen=tuple((label, value) for label, value in first["seen"]),
            hole=first["hole"],
            sized=first["size"] > 0,
        )
    elif found.get("ended") in ENDS:
        failure = Failure(ENDS[found["ended"]])
    ran = found.get("ran", {})
    if failure is None and "trace" not in found and not all(ran.values()):
        idle = ", ".join(symbol for symbol, did in ran.items() if not did)
        failure = Failure(f"{idle} in your file never ran: something else stands in its place.")
    return Outcome(
        cases=found.get("cases", 0),
        failed=found.get("failed", 0),
        failure=failure,
        file=file,
        sha256=digest,
        ran=ran,
        printed=found.get("printed", ""),
        broken=found.get("trace", ""),
    )
