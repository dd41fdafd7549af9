"""Part 00 · Does a fence say what the code or the command says? `...` stands for lines left out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OMITTED = re.compile(r"\s*\.\.\.\s*(#.*)?")


@dataclass(frozen=True)
class Difference:
    """The first line of an excerpt that the original does not bear out."""

    index: int  # in the excerpt; its length when lines are missing at the end
    found: str | None  # the excerpt's line; None past its end
    wanted: str | None  # the original's line there; None where no single line can be named


def omits(excerpt: Sequence[str]) -> bool:
    """Whether a line of the excerpt stands for omitted lines."""
    return any(_OMITTED.fullmatch(line) for line in excerpt)


def compare(excerpt: Sequence[str], original: Sequence[str], inside: bool) -> Difference | None:
    """The first difference, or None when the lines of `excerpt` stand in `original`, in order.

    A line `...` stands for any number of lines. With `inside` the excerpt may start and end
    anywhere; without, it covers the original from the first line to the last. Trailing blanks
    do not count, nor do empty lines around `...`.
    """
    lines = [line.rstrip() for line in original]
    runs = _runs([line.rstrip() for line in excerpt])
    at = 0
    for number, (start, run) in enumerate(runs):
        free = inside or number > 0
        last = number == len(runs) - 1 and not inside
        place = _find(run, lines, at, free, last)
        if place is None:
            return _explain(start, run, lines, at, free)
        at = place + len(run)
    return None


def _runs(excerpt: list[str]) -> list[tuple[int, list[str]]]:
    """The lines between the omissions, each run with the index of its first line."""
    runs: list[tuple[int, list[str]]] = [(0, [])]
    for index, line in enumerate(excerpt):
        if _OMITTED.fullmatch(line):
            runs.append((index + 1, []))
        else:
            runs[-1][1].append(line)
    trimmed = []
    for number, (start, run) in enumerate(runs):
        while number and run and not run[0]:
            start, run = start + 1, run[1:]
        while number < len(runs) - 1 and run and not run[-1]:
            run = run[:-1]
        trimmed.append((start, run))
    return trimmed


def _find(run: list[str], lines: list[str], at: int, free: bool, last: bool) -> int | None:
    """Where `run` stands in `lines` from `at` on: right there, unless `free` to move."""
    final = len(lines) - len(run)
    places = range(at, final + 1) if free else range(at, at + 1)
    for place in places:
        if (place == final or not last) and lines[place : place + len(run)] == run:
            return place
    return None


def _explain(start: int, run: list[str], lines: list[str], at: int, free: bool) -> Difference:
    """Where the best attempt to place `run` goes wrong."""
    best, there = 0, at
    for place in range(at, len(lines)) if free else [at]:
        same = 0
        while same < len(run) and place + same < len(lines) and run[same] == lines[place + same]:
            same += 1
        if same > best:
            best, there = same, place + same
    found = run[best] if best < len(run) else None
    named = there < len(lines) and (best > 0 or not free)
    return Difference(start + best, found, lines[there] if named else None)
