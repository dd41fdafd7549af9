"""Part 00 · The learner's folder: engines with holes, backups, and one file that says how far.

    learning/
      learn.json             the state: what is open, tried, passed
      part-01/ruvon/         the engine of Part 1, the learner's own
      part-01/exercises/     the texts, and what is answered outside of the engine
      backups/               every file as it was before a command changed it
      passed/                every file as it was when it passed

Nothing is written outside of it. No command changes a file there before it has kept the old one.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from pathlib import Path

from ruvon.course import source
from ruvon.course.exercise import Exercise
from ruvon.course.stages import write_stage
from ruvon.errors import RuvonError

STATE = "learn.json"
USUAL = "learning"
FORMAT = 1


class FolderError(RuvonError):
    """There is no learner's folder here, or it cannot be used as it is."""


@dataclass
class Progress:
    """How far a learner is with one exercise. Times are the clock's, as ISO 8601."""

    opened: str = ""
    attempts: int = 0
    hints: int = 0
    passed: str = ""
    # The file that passed.
    sha256: str = ""
    # Whether the solution was asked for before.
    spoiled: bool = False


@dataclass
class State:
    """What learn.json holds."""

    started: str = ""
    current: str = ""
    exercises: dict[str, Progress] = field(default_factory=dict)


class Folder:
    """A learner's folder, with its state read. Raises FolderError."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.state = read_state(self.path / STATE)

    @classmethod
    def find(cls, start: Path) -> "Folder":
        """The folder that `start` is in, or the usual one beside it. Raises FolderError."""
        start = start.resolve()
        for place in (start, *start.parents, start / USUAL):
            if (place / STATE).is_file():
                return cls(place)
        raise FolderError("this is no folder to learn in; make one: ruvon learn start")

    @classmethod
    def create(cls, path: Path) -> "Folder":
        """The folder at `path`, new or as it is. Raises FolderError for one with other things."""
        if path.exists() and not path.is_dir():
            raise FolderError(f"{path} is a file; name a folder: ruvon learn start --folder DIR")
        if not (path / STATE).exists():
            if path.is_dir() and not all(map(is_ours, path.iterdir())):
                raise FolderError(
                    f"{path} is not empty; name another: ruvon learn start --folder DIR"
                )
            path.mkdir(parents=True, exist_ok=True)
            write(path / STATE, state_text(State(started=now())))
        return cls(path)

    def save(self) -> None:
        """Write the state, whole or not at all."""
        write(self.path / STATE, state_text(self.state))

    def progress(self, exercise: Exercise) -> Progress:
        """How far the learner is with an exercise."""
        return self.state.exercises.setdefault(exercise.name, Progress())

    def part(self, number: int) -> Path:
        """The folder of a part."""
        return self.path / f"part-{number:02}"

    def file(self, exercise: Exercise) -> Path:
        """What the learner edits."""
        return self.part(exercise.part) / exercise.file

    def open(self, exercise: Exercise) -> None:
        """Make an exercise the current one; the first time, put its starter in place.

        Raises FolderError if the file that it is put into is broken.
        """
        progress = self.progress(exercise)
        if not progress.opened:
            self.write_engine(exercise.part)
            self.place(exercise)
            progress.opened = now()
        text = self.part(exercise.part) / "exercises" / f"{exercise.folder.name}.md"
        if not text.exists():
            text.parent.mkdir(exist_ok=True)
            write(text, exercise.text)
        self.state.current = exercise.name
        self.save()

    def write_engine(self, part: int) -> None:
        """Write the package of a part's stage, if it is not there."""
        folder = self.part(part)
        if (folder / "ruvon").exists():
            return
        # Under another name until it is whole: a command may be broken off.
        partial = self.path / f"part-{part:02}.partial"
        remove(partial)
        write_stage(part, partial, clean=True)
        folder.mkdir(exist_ok=True)
        (partial / "ruvon").rename(folder / "ruvon")
        partial.rmdir()

    def place(self, exercise: Exercise) -> None:
        """Put the starter where the learner edits, and keep what was there."""
        path = self.file(exercise)
        if not exercise.in_package:
            path.parent.mkdir(exist_ok=True)
            self.replace(path, exercise.starter, exercise.name)
            return
        text = path.read_text(encoding="utf-8") if path.exists() else exercise.original
        try:
            new = source.put(text, exercise.symbols, exercise.starter)
        except source.SourceError as error:
            raise FolderError(
                f"{self.name(path)}: {error} Mend it, or begin it anew: "
                f"ruvon learn reset {exercise.name} --file"
            ) from None
        self.replace(path, new, exercise.name, exercise.original)

    def reset(self, exercise: Exercise, whole: bool = False) -> Path | None:
        """Put the starter in place again. -> where the old file is kept, if it differed.

        `whole` takes the module anew, with all that other exercises had put into it.
        """
        path = self.file(exercise)
        kept = self.keep(path, exercise.name)
        if whole and exercise.in_package:
            write(path, exercise.original)
        self.place(exercise)
        progress = self.progress(exercise)
        progress.passed = progress.sha256 = ""
        self.save()
        return kept

    def replace(self, path: Path, text: str, name: str, original: str = "") -> None:
        """Write a file; what stood there is kept, unless it is what Ruvon wrote."""
        old = path.read_text(encoding="utf-8") if path.exists() else None
        if old not in (text, original):
            self.keep(path, name)
        write(path, text)

    def keep(self, path: Path, name: str) -> Path | None:
        """Copy a file to the backups, unless its newest copy there is the same. -> the copy."""
        if not path.exists():
            return None
        folder = self.path / "backups"
        folder.mkdir(exist_ok=True)
        older = sorted(folder.glob(f"{name}-*-{path.name}"))
        if older and older[-1].read_bytes() == path.read_bytes():
            return older[-1]
        copy = folder / f"{name}-{len(older) + 1:03}-{path.name}"
        copy.write_bytes(path.read_bytes())
        return copy

    def pass_(self, exercise: Exercise, sha256: str) -> None:
        """Write down that an exercise has passed, and keep the file: the next hole may be in it."""
        progress = self.progress(exercise)
        progress.passed = progress.passed or now()
        progress.sha256 = sha256
        copy = self.passed_copy(exercise)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(self.file(exercise).read_bytes())

    def passed_copy(self, exercise: Exercise) -> Path:
        """Where the file is kept that passed."""
        return self.path / "passed" / f"{exercise.name}-{Path(exercise.file).name}"

    def has_hole(self, exercise: Exercise) -> bool:
        """Whether the body of an opened exercise has not been written."""
        if not self.progress(exercise).opened or not self.file(exercise).exists():
            return False
        return f"exercise {exercise.name}: {source.HOLE}" in self.file(exercise).read_text("utf-8")

    def name(self, path: Path) -> str:
        """A path as messages name it: from the folder."""
        return path.relative_to(self.path).as_posix()

    def current(self, exercises: Sequence[Exercise]) -> Exercise:
        """The exercise that is open. Raises FolderError when none is."""
        for exercise in exercises:
            if exercise.name == self.state.current:
                return exercise
        raise FolderError("no exercise is open; open one: ruvon learn next")

    def following(self, exercises: Sequence[Exercise]) -> Exercise | None:
        """The first exercise that has not passed, from the current one on and around."""
        names = [exercise.name for exercise in exercises]
        at = names.index(self.state.current) if self.state.current in names else 0
        for exercise in (*exercises[at:], *exercises[:at]):
            if not self.progress(exercise).passed:
                return exercise
        return None


def is_ours(path: Path) -> bool:
    """Whether a learner's folder has such a thing in it."""
    return path.name.startswith(("part-", "backups", "passed", STATE))


def read_state(path: Path) -> State:
    """The state in a file. Raises FolderError: a broken one is never written over."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise FolderError(f"{path} has format {raw['format']}; this Ruvon reads {FORMAT}")
        known = {name: Progress(**found) for name, found in raw["exercises"].items()}
        return State(raw["started"], raw["current"], known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FolderError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Mend it, or rename it to "
            f"{STATE}.old and run `ruvon learn start` again: what you wrote is kept in backups/"
        ) from None


def state_text(state: State) -> str:
    """The state as the file holds it."""
    touched = {n: asdict(p) for n, p in sorted(state.exercises.items()) if p != Progress()}
    whole = {"format": FORMAT, "started": state.started, "current": state.current}
    return json.dumps({**whole, "exercises": touched}, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def remove(folder: Path) -> None:
    """Remove what an earlier, broken command left half written."""
    from shutil import rmtree

    if folder.exists():
        rmtree(folder)


def now() -> str:
    """The clock's time."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
