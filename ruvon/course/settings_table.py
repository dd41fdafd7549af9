"""Part 00 · The table of all settings of the server, for docs/server.md."""

from dataclasses import MISSING
from dataclasses import Field
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

from ruvon.course.source import symbols

if TYPE_CHECKING:
    from ruvon.course.tags import TaggedSource

SETTINGS = ""  # the module, by its name: before Part 4 there is no server
SETTINGS = "ruvon.server.settings"  # part 4
# How bounds are written.
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def settings_table(source: "TaggedSource") -> str:
    """A row for each field of Settings; `source` is their file, which knows each one's part."""
    settings = import_module(SETTINGS)
    parts = {
        name.removeprefix("Settings."): source.part_of(statement.lineno)
        for name, statement in symbols(source.tree.body)
        if name.startswith("Settings.")
    }
    rows = ["", "| flag | environment | default | bounds | meaning | part |"]
    rows.append("|---|---|---|---|---|---:|")
    for one in fields(settings.Settings):
        named = [name_of(one) for name_of in (settings.own_name, settings.second_name)]
        names = ", ".join(f"`{name}`" for name in named if name)
        cells = [flag(one), names, default(one), bounds(one), one.metadata["help"]]
        rows.append(f"| {' | '.join(cells)} | {parts[one.name]} |")
    return "\n".join([*rows, ""])


def flag(one: "Field[Any]") -> str:
    """How it stands on the command line."""
    return "`MODEL`" if one.name == "model" else f"`--{one.name.replace('_', '-')}`"


def default(one: "Field[Any]") -> str:
    """What it is when nothing is said."""
    if one.default is MISSING or one.default is None:
        return ""
    return f"`{one.default}`"


def bounds(one: "Field[Any]") -> str:
    """Between which numbers it may be."""
    told = [f"{SIGNS[sign]} {number(bound)}" for sign, bound in one.metadata["bounds"].items()]
    return f"`{', '.join(told)}`" if told else ""


def number(bound: int) -> str:
    """A number, and a large power of two as such."""
    power = abs(bound).bit_length() - 1
    if power > 32 and abs(bound) == 2**power:
        return f"{'-' if bound < 0 else ''}2**{power}"
    return str(bound)
