"""Part 00 · Measured figures by reference: `median(decode.samples)*1000:.2f` into results/*.json.

reference  = expression [":" format]
expression = factor { ("*" | "/") factor }
factor     = number | ("median" | "min" | "max" | "mean" | "sum" | "len") "(" path ")" | path
path       = [part "/"] file { "." key | "[" index "]" | "[" quoted key "]" }
"""

import json
import math
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruvon.errors import RuvonError

FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "median": statistics.median,
    "min": min,
    "max": max,
    "mean": statistics.fmean,
    "sum": sum,
    "len": len,
}

_STEP = r"\.[\w-]+|\[\d+\]|\[\"[^\"]*\"\]|\['[^']*'\]"
_PATH = re.compile(rf"(?:(?P<part>\d\d)/)?(?P<file>[A-Za-z_][\w-]*)(?P<steps>(?:{_STEP})*)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_CALL = re.compile(r"(?P<name>[a-z]+)\(")


class RefError(RuvonError):
    """A reference that leads nowhere; the message says what there is instead."""


class Results:
    """The results files of the parts of a checkout, each read once."""

    def __init__(self, root: Path) -> None:
        """`root` is the checkout, which has `parts/NN/results/*.json`."""
        self._root = root
        self._files: dict[Path, Any] = {}

    def text(self, reference: str, part: int | None) -> str:
        """What the article has to say for `reference`; `part` is the article's own, if any.

        Raises RefError.
        """
        value, at = self._factor(reference, 0, part)
        while at < len(reference) and reference[at] in "*/":
            factor, after = self._factor(reference, at + 1, part)
            if not _is_number(value) or not _is_number(factor):
                raise RefError(f"`{reference}` calculates with what is not a number")
            if reference[at] == "/" and not factor:
                raise RefError(f"`{reference}` divides by 0")
            value, at = value * factor if reference[at] == "*" else value / factor, after
        if at == len(reference):
            return _default(reference, value)
        if reference[at] != ":":
            raise RefError(f"`{reference}` is not understood from `{reference[at:]}` on")
        try:
            return format(value, reference[at + 1 :])
        except (ValueError, TypeError) as error:
            raise RefError(f"`{reference}`: {error}") from None

    def _factor(self, text: str, at: int, part: int | None) -> tuple[Any, int]:
        if found := _PATH.match(text, at):
            call = _CALL.match(text, at)
            if not call:
                return self._value(found, part), found.end()
            return self._call(text, call, part)
        if found := _NUMBER.match(text, at):
            return float(found[0]) if "." in found[0] or "e" in found[0] else int(found[0]), (
                found.end()
            )
        raise RefError(f"`{text}` wants a path or a number before `{text[at:]}`")

    def _call(self, text: str, call: re.Match[str], part: int | None) -> tuple[Any, int]:
        if call["name"] not in FUNCTIONS:
            raise RefError(f"`{call['name']}` is not one of {', '.join(FUNCTIONS)}")
        found = _PATH.match(text, call.end())
        if not found or text[found.end() : found.end() + 1] != ")":
            raise RefError(f"`{text}` wants a path and `)` after `{call[0]}`")
        values = self._value(found, part)
        if not isinstance(values, list):
            raise RefError(f"`{found[0]}` is not a list")
        if call["name"] != "len" and not (values and all(map(_is_number, values))):
            raise RefError(f"`{found[0]}` is not a list of numbers")
        return FUNCTIONS[call["name"]](values), found.end() + 1

    def _value(self, path: re.Match[str], own: int | None) -> Any:
        part = int(path["part"]) if path["part"] else own
        if part is None:
            raise RefError(f"`{path[0]}` names no part: outside of an article say 03/{path[0]}")
        value = self._file(part, path["file"])
        came = path["file"]
        for step in re.findall(_STEP, path["steps"]):
            key: Any = step[1:] if step[0] == "." else step[1:-1]
            if step[0] == "[":
                key = int(key) if key.isdigit() else key[1:-1]
            value = _inside(value, key, came)
            came += step
        return value

    def _file(self, part: int, name: str) -> Any:
        folder = self._root / "parts" / f"{part:02d}" / "results"
        path = folder / f"{name}.json"
        if not path.is_file():
            there = ", ".join(sorted(p.name for p in folder.glob("*.json"))) or "nothing"
            raise RefError(f"{_named(path)} is missing; {_named(folder)} has {there}")
        return self.read(path)

    def read(self, path: Path) -> Any:
        """What a results file holds. Raises RefError."""
        if path not in self._files:
            if not path.is_file():
                raise RefError(f"{_named(path)} is missing")
            try:
                self._files[path] = json.loads(path.read_text(encoding="utf-8"))
            except json.JSONDecodeError as error:
                raise RefError(f"{_named(path)} is no JSON: {error}") from None
        return self._files[path]


def _inside(value: Any, key: str | int, came: str) -> Any:
    """`value[key]`, or an error that lists what there is."""
    if isinstance(value, dict) and str(key) in value:
        return value[str(key)]
    if isinstance(value, list) and str(key).isdigit():
        if int(key) < len(value):
            return value[int(key)]
        raise RefError(f"`{came}` has {len(value)} entries, and none at {key}")
    there = f"the keys {', '.join(value)}" if isinstance(value, dict) else "no keys"
    raise RefError(f"`{came}` has no {key!r}; it has {there}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _default(reference: str, value: Any) -> str:
    """A value as it is written when the reference has no format."""
    if isinstance(value, str):
        return value
    if not _is_number(value):
        raise RefError(f"`{reference}` is a {type(value).__name__}; name one value in it")
    if isinstance(value, int):
        return f"{value:,}"
    if not value or not math.isfinite(value):
        return f"{value:.0f}"
    digits = 2 - math.floor(math.log10(abs(float(f"{value:.2e}"))))
    return f"{round(value, digits):,.{max(0, digits)}f}"


def _named(path: Path) -> str:
    """The path from `parts/` on, as a message names it."""
    return "/".join(path.parts[path.parts.index("parts") :]) if "parts" in path.parts else str(path)
