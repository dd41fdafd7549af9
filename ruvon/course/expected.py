"""Part 00 · What a demo must reproduce exactly: parts/NN/expected.toml.

A demo ends with `check_expected({"ids": ids, "steps": 7})`. The values are compared with the file
beside the demo; a difference is printed and ends the demo with exit code 1. They are what every
machine must agree on: token ids, counts, texts. Neither timings nor floats.
"""

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from ruvon.errors import RuvonError

WIDTH = 100


def check_expected(values: Mapping[str, Any]) -> None:
    """Compare `values` with the expected.toml beside the running demo; exit 1 if they differ.

    Values are bools, whole numbers, texts, and lists of these. RUVON_UPDATE_EXPECTED=1 writes them.
    Raises RuvonError for a value of another kind.
    """
    text = "".join(f"{name} = {to_toml(name, value)}\n" for name, value in values.items())
    file = Path(sys.argv[0]).resolve().parent / "expected.toml"
    console = Console(highlight=False, soft_wrap=True)
    if os.environ.get("RUVON_UPDATE_EXPECTED"):
        file.write_text(text, encoding="utf-8")
        console.print(f"{file.name}: {len(values)} values written", style="yellow")
        leave_receipt(values)
        return
    if not file.exists():
        console.print(f"{file} is missing; RUVON_UPDATE_EXPECTED=1 writes it", style="red")
        sys.exit(1)
    # What was computed goes through TOML too, so that a tuple equals the list it was written as.
    expected, here = tomllib.loads(file.read_text(encoding="utf-8")), tomllib.loads(text)
    wrong = [difference(n, expected, here) for n in {**expected, **here}]
    for line in filter(None, wrong):
        console.print(line, style="red", markup=False)
    if any(wrong):
        console.print("RUVON_UPDATE_EXPECTED=1 takes what is here, if it is meant", style="dim")
        sys.exit(1)
    console.print(f"{file.name}: all {len(values)} values reproduced", style="green")
    leave_receipt(values)


def difference(name: str, expected: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """How a value differs from what is expected, or nothing."""
    if name not in here:
        return f"{name}: expected, and not computed here"
    if name not in expected:
        return f"{name}: computed here, and not in expected.toml"
    want, have = expected[name], here[name]
    # 1 == True, and they are not the same answer.
    if json.dumps(want) == json.dumps(have):
        return ""
    if isinstance(want, list) and isinstance(have, list):
        if len(want) != len(have):
            where = f"{len(have)} entries instead of {len(want)}"
        else:
            first = next(i for i in range(len(want)) if want[i] != have[i])
            where = f"entry {first} is {have[first]!r} instead of {want[first]!r}"
        return f"{name}: {where}\n  expected {want}\n  here     {have}"
    return f"{name}: {have!r} instead of {want!r}"


def to_toml(name: str, value: Any, indent: str = "") -> str:
    """A value as TOML; a list over one line when it is short, or else over several."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        inner = indent + "    "
        items = [to_toml(name, item, inner) for item in value]
        line = f"[{', '.join(items)}]"
        if len(indent) + len(name) + 3 + len(line) <= WIDTH and "\n" not in line:
            return line
        rows = [inner]
        for item in items:
            if rows[-1] != inner and len(rows[-1]) + len(item) + 2 > WIDTH:
                rows.append(inner)
            rows[-1] += f"{item}," if rows[-1] == inner else f" {item},"
        return "\n".join(["[", *rows, f"{indent}]"])
    raise RuvonError(
        f"expected.toml: {name} is a {type(value).__name__}; only what every machine must agree on "
        "is pinned: whole numbers, texts, bools, lists of them (a tensor's tolist(), a rounded "
        "number as a text)"
    )


def leave_receipt(values: Mapping[str, Any]) -> None:
    """Tell `make part-NN` that values were compared."""
    if receipt := os.environ.get("RUVON_RECEIPT"):
        Path(receipt).write_text(json.dumps(sorted(values)), encoding="utf-8")
