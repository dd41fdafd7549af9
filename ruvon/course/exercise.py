"""Part 00 · An exercise: a folder in parts/NN/exercises, read and checked.

2-causal-attention/
  exercise.toml   title, kind, minutes, hints, and where in the package
  README.md       what the learner reads
  check.py        the checks: `def check(exam)`, see checking/
  starter.*       what the learner edits, and
  solution.*      what it should become; where the kind needs them
  right/, wrong/  answers that must pass, and that must fail with the words of "# says:"
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruvon.course import source
from ruvon.course.manifest import landed
from ruvon.course.stages import stage_files
from ruvon.errors import RuvonError

# What a learner does. The first two are done in the package, the others in a file of their own.
KINDS = ("fill in", "find the bug", "predict", "read the trace", "write the test")
IN_PACKAGE = KINDS[:2]
HINTS = 3

_FOLDER = re.compile(r"(\d+)-([a-z0-9-]+)")


class ExerciseError(RuvonError):
    """An exercise that cannot be used, or a name that is none's."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a part."""

    part: int
    place: int
    folder: Path
    title: str
    kind: str
    minutes: int
    hints: tuple[str, ...]
    # Of a kind in the package: the module, and what of it is taken out or spoiled.
    module: str = ""
    symbols: tuple[str, ...] = ()
    # Of a test to write: the functions that the learner's file must have.
    tests: tuple[str, ...] = ()
    # Of a bug: pairs of the engine's lines and what stands there instead.
    plants: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """As a learner names it: 1.2."""
        return f"{self.part}.{self.place}"

    @property
    def in_package(self) -> bool:
        """Whether the learner edits a module, rather than a file of the exercise's own."""
        return self.kind in IN_PACKAGE

    @property
    def file(self) -> str:
        """What the learner edits, from the folder of the part."""
        if self.in_package:
            return self.module
        return f"exercises/{self.folder.name}{self.starter_path.suffix}"

    @property
    def text(self) -> str:
        """What the learner reads, in Markdown."""
        return (self.folder / "README.md").read_text(encoding="utf-8")

    @property
    def starter_path(self) -> Path:
        """The starter of an exercise that has a file of its own."""
        return one_file(self.folder, "starter")

    @cached_property
    def original(self) -> str:
        """The module as the stage has it, without tags."""
        return stage_files(self.part, self.folder.parents[3], clean=True)[self.module].decode()

    @cached_property
    def solution(self) -> str:
        """What passes: the engine's own source of the symbols, or the file of the exercise."""
        if not self.in_package:
            return one_file(self.folder, "solution").read_text(encoding="utf-8")
        return source.excerpt(self.original, self.symbols)

    @cached_property
    def starter(self) -> str:
        """What the learner begins with: the symbols with holes or a bug, or the file."""
        if self.kind == "fill in":
            return source.with_holes(self.solution, self.symbols, f"exercise {self.name}")
        if self.kind == "find the bug":
            return self.planted(self.solution)
        return self.starter_path.read_text(encoding="utf-8")

    def planted(self, text: str) -> str:
        """`text` with the bug. Raises ExerciseError if its place is not there, once."""
        for old, new in self.plants:
            if text.count(old) != 1:
                raise ExerciseError(f"{self.folder.name}: {old!r} is there {text.count(old)} times")
            text = text.replace(old, new)
        return text

    def answers(self, which: str) -> list[Path]:
        """The answers in `right/` or `wrong/`, by name."""
        return sorted(p for p in (self.folder / which).glob("*") if p.suffix in (".py", ".toml"))


def one_file(folder: Path, stem: str) -> Path:
    """The file `stem`.py or `stem`.toml."""
    found = [path for path in folder.glob(f"{stem}.*") if path.suffix in (".py", ".toml")]
    if len(found) != 1:
        raise ExerciseError(f"{folder.name} has {len(found)} files {stem}.py or {stem}.toml, not 1")
    return found[0]


def read_exercises(root: Path, part: int) -> tuple[Exercise, ...]:
    """The exercises of a part, in order. Raises ExerciseError."""
    found = []
    for folder in (root / "parts" / f"{part:02}" / "exercises").glob("*/"):
        if named := _FOLDER.fullmatch(folder.name):
            found.append(read_exercise(folder, part, int(named[1])))
    found.sort(key=lambda exercise: exercise.place)
    if [exercise.place for exercise in found] != list(range(1, len(found) + 1)):
        places = ", ".join(exercise.folder.name for exercise in found)
        raise ExerciseError(f"the exercises of part {part} are not numbered from 1 on: {places}")
    return tuple(found)


def read_exercise(folder: Path, part: int, place: int) -> Exercise:
    """The exercise in a folder. Raises ExerciseError, which names what is wrong in it."""
    try:
        raw = tomllib.loads((folder / "exercise.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ExerciseError(f"{folder.name}/exercise.toml: {error}") from None
    plants = tuple((plant["old"], plant["new"]) for plant in raw.pop("plant", []))
    lists: dict[str, Any] = {
        name: tuple(raw.pop(name, ())) for name in ("hints", "symbols", "tests")
    }
    try:
        exercise = Exercise(part, place, folder, plants=plants, **lists, **raw)
    except TypeError as error:
        raise ExerciseError(f"{folder.name}/exercise.toml: {error}") from None
    wrong = ""
    if exercise.kind not in KINDS:
        wrong = f"kind {exercise.kind!r} is not one of {', '.join(KINDS)}"
    elif len(exercise.hints) != HINTS:
        wrong = f"there are {len(exercise.hints)} hints; write {HINTS}"
    elif exercise.in_package != bool(exercise.module and exercise.symbols):
        wrong = f"a {exercise.kind!r} names a module and symbols if it is done in the package"
    elif (exercise.kind == "find the bug") != bool(plants):
        wrong = "a bug has a [[plant]], and nothing else has one"
    if wrong:
        raise ExerciseError(f"{folder.name}/exercise.toml: {wrong}")
    return exercise


def all_exercises(root: Path) -> tuple[Exercise, ...]:
    """The exercises of all parts that are here, in order."""
    return tuple(e for part in landed() for e in read_exercises(root, part.number))


def find_exercise(exercises: tuple[Exercise, ...], name: str) -> Exercise:
    """The exercise that a learner names. Raises ExerciseError, with the names there are."""
    for exercise in exercises:
        if exercise.name == name:
            return exercise
    names = ", ".join(exercise.name for exercise in exercises) or "none yet"
    raise ExerciseError(f"there is no exercise {name!r}; there are {names}")
