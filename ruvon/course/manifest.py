"""Part 00 · The manifest: parts/parts.toml, read and checked."""

import os
import tomllib
from dataclasses import MISSING
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path
from typing import Any

from ruvon.errors import RuvonError

# Of a part that is begun the package has some code already, tested like the rest. Nothing shows it
# yet: no article, no demo, no stage for readers.
STATUSES = ("landed", "begun", "planned")
PHASES = (1, 2, 3, 4)

# What stands in a field, and whether in a list; one text where nothing is said.
KINDS: dict[str, tuple[type, bool]] = {
    "number": (int, False),
    "phase": (int, False),
    "minutes": (int, False),
    "budget": (int, False),
    "needs": (int, True),
    "terms": (str, True),
    "everyday": (str, True),
}


class ManifestError(RuvonError):
    """There is no manifest here, or it says something that cannot be."""


@dataclass(frozen=True)
class Part:
    """One part of the course, as parts/parts.toml describes it."""

    number: int
    slug: str
    title: str
    # 1 vertical slice, 2 multi-request and scheduling, 3 efficiency and scaling, 4 showcase.
    phase: int
    what: str
    # The parts that a reader should know before.
    needs: tuple[int, ...]
    status: str
    # How long a reader needs, and how many seconds its demo may take on two cores.
    minutes: int = 0
    budget: int = 0
    notebook: str = ""
    # The glossary terms that this part introduces. While it is planned, no glossary needs them.
    terms: tuple[str, ...] = ()
    # Those of them that are plain words too: they are terms only where they are linked.
    everyday: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Two digits: `parts/08`, `tests/parts/08`, `make part-08`."""
        return f"{self.number:02}"


def checkout() -> Path:
    """The root of the checkout that this package belongs to. Raises ManifestError.

    A stage lies elsewhere; what runs it names the checkout in RUVON_CHECKOUT.
    """
    named = os.environ.get("RUVON_CHECKOUT")
    for root in [Path(named)] if named else Path(__file__).resolve().parents:
        if (root / "parts" / "parts.toml").exists():
            return root
    if named:
        raise ManifestError(f"RUVON_CHECKOUT is {named}, and there is no parts/parts.toml in it")
    raise ManifestError(
        "the course needs a checkout of the repository, with parts/parts.toml; this package was "
        "installed without it (RUVON_CHECKOUT can name one)"
    )


def load_manifest(path: Path | None = None) -> tuple[Part, ...]:
    """All parts of the first season, in order. Raises ManifestError."""
    path = path or checkout() / "parts" / "parts.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"there is no {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: {error}") from None
    parts = tuple(read_part(path, entry) for entry in raw.get("part", []))
    check(path, parts, [entry.get("number") for entry in raw.get("later", [])])
    return parts


def landed() -> tuple[Part, ...]:
    """The parts that are here."""
    return tuple(part for part in load_manifest() if part.status == "landed")


def stage_numbers() -> tuple[int, ...]:
    """The parts of which the package has code: those that are here, and those begun."""
    return tuple(part.number for part in load_manifest() if part.status != "planned")


def find_landed(number: int) -> Part:
    """The part of this number. Raises ManifestError, with those that are here."""
    parts = landed()
    for part in parts:
        if part.number == number:
            return part
    here = ", ".join(str(part.number) for part in parts) or "none yet"
    raise ManifestError(f"there is no stage {number}; there are: {here}")


def read_part(path: Path, entry: dict[str, Any]) -> Part:
    """One [[part]] table. Raises ManifestError."""
    name = f"{path}: part {entry.get('number', '?')}"
    known = {field.name: field for field in fields(Part)}
    if unknown := set(entry) - set(known):
        raise ManifestError(f"{name}: unknown {', '.join(sorted(unknown))}; known: {list(known)}")
    for field in known.values():
        if field.name not in entry and field.default is MISSING:
            raise ManifestError(f"{name}: {field.name} is missing")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    for key, value in values.items():
        inner, several = KINDS.get(key, (str, False))
        items = value if isinstance(value, tuple) else (value,)
        if isinstance(value, tuple) != several or any(type(item) is not inner for item in items):
            kind = f"{'a list of ' if several else ''}{inner.__name__}"
            raise ManifestError(f"{name}: {key} is {value!r}, and has to be {kind}")
    part = Part(**values)
    if part.status not in STATUSES:
        raise ManifestError(f"{name}: status {part.status!r} is not one of {', '.join(STATUSES)}")
    if part.phase not in PHASES:
        raise ManifestError(f"{name}: phase {part.phase} is not one of {PHASES}")
    return part


def check(path: Path, parts: tuple[Part, ...], later: list[int | None]) -> None:
    """Numbers count up from 1, needs point back, terms are new, what has landed is there."""
    numbers = [*(part.number for part in parts), *later]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ManifestError(f"{path}: parts are numbered {numbers}; count up from 1, none twice")
    status = {part.number: part.status for part in parts}
    introduced: dict[str, int] = {}
    slugs: dict[str, int] = {}
    for part in parts:
        name = f"{path}: part {part.number}"
        if wrong := [n for n in part.needs if not 1 <= n < part.number]:
            raise ManifestError(f"{name} needs {wrong}, which is not before it")
        for values, seen, verb in (
            ((part.slug,), slugs, "is called"),
            (part.terms, introduced, "introduces"),
        ):
            for value in values:
                if value in seen:
                    raise ManifestError(f"{name} {verb} {value!r}, and so does part {seen[value]}")
                seen[value] = part.number
        if strangers := set(part.everyday) - set(part.terms):
            raise ManifestError(f"{name}: everyday has {sorted(strangers)}, and terms has not")
        if part.status != "landed":
            continue
        if early := [n for n in part.needs if status[n] != "landed"]:
            raise ManifestError(f"{name} has landed before {early}, which it needs")
        for needed in (f"parts/{part.folder}/demo.py", f"tests/parts/{part.folder}"):
            if not (path.parent.parent / needed).exists():
                raise ManifestError(f"{name} has landed without {needed}")
        if not (part.notebook and part.minutes and part.budget and part.terms):
            raise ManifestError(f"{name} has landed: say its notebook, minutes, budget and terms")
