"""Part 00 · What is generated from the manifest: an article's head, the README's table, TODO.md."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from ruvon.course.checkout import Checkout
from ruvon.course.exercise import Exercise
from ruvon.course.exercise import read_exercises
from ruvon.course.manifest import Part
from ruvon.course.settings_table import settings_table
from ruvon.course.stages import difference

PHASES = {
    1: "Phase 1: the vertical slice",
    2: "Phase 2: multi-request and scheduling",
    3: "Phase 3: efficiency and scaling",
    4: "Phase 4: the showcase",
}


def generated(checkout: Checkout, page: Path) -> dict[str, str]:
    """What stands between the markers of a page, by the markers' name."""
    name = checkout.name(page)
    if name == "README.md":
        return {"parts": parts_table(checkout)}
    if name == "docs/server.md":
        return {"settings": settings_table(checkout.tagged("ruvon/server/settings.py"))}
    if name == "TODO.md":
        return {"todo": todo(checkout)}
    number = checkout.part_of(page)
    if checkout.is_article(page):
        for part in checkout.parts:
            if part.number == number:
                made = {"head": head(checkout, part)}
                if found := read_exercises(checkout.root, part.number):
                    made["exercises"] = exercises_table(found)
                return made
    return {}


def head(checkout: Checkout, part: Part) -> str:
    """The lines under an article's title: what a reader wants to know before reading."""
    titles = {known.number: known.title for known in checkout.parts}
    needs = ", ".join(f"[{titles[n]}](../{n:02d}/README.md)" for n in part.needs) or "nothing"
    notebook = Path(part.notebook)
    grown = difference(part.number - 1, part.number, checkout.root)
    modules = len(grown.new_modules)
    exercises = read_exercises(checkout.root, part.number)
    return "\n".join(
        [
            "",
            f"| Part {part.number} of {len(checkout.parts)} | |",
            "|---|---|",
            f"| time | about {part.minutes} minutes |",
            f"| needs | {needs} |",
            f"| demo | `make part-{part.folder}` |",
            *[f"| exercises | `ruvon learn start {part.number}` |" for _ in exercises[:1]],
            f"| notebook | [{notebook.name}](../../{notebook.as_posix()}) |",
            f"| adds | {modules} modules, {grown.added:,} lines; lines removed: {grown.removed} |",
            "",
        ]
    )


def exercises_table(exercises: Sequence[Exercise]) -> str:
    """The exercises of a part: what they are about, what one does, how long it takes."""
    start = f"ruvon learn start {exercises[0].part}"
    rows = ["", f"`{start}` opens the first one.", "", "| | exercise | kind | minutes |"]
    rows.append("|---|---|---|---:|")
    for exercise in exercises:
        link = f"[{exercise.title}](exercises/{exercise.folder.name}/README.md)"
        rows.append(f"| {exercise.name} | {link} | {exercise.kind} | {exercise.minutes} |")
    return "\n".join([*rows, ""])


def parts_table(checkout: Checkout) -> str:
    """The table of parts of the repository's README."""
    rows = ["", "| part | title | what you get | |", "|---:|---|---|---|"]
    for part in checkout.parts:
        landed = part.status == "landed"
        title = f"[{part.title}](parts/{part.folder}/README.md)" if landed else part.title
        state = "ready" if landed else part.status
        rows.append(f"| {part.number} | {title} | {part.what} | {state} |")
    return "\n".join([*rows, ""])


def todo(checkout: Checkout) -> str:
    """The phases of TODO.md, with a tick for each part that has landed."""
    rows: list[str] = []
    for number, title in PHASES.items():
        parts = [part for part in checkout.parts if part.phase == number]
        if parts:
            rows += ["", f"## {title}", ""]
        for part in parts:
            tick = "x" if part.status == "landed" else " "
            rows.append(f"- [{tick}] **Part {part.number} · {part.title}**: {part.what}")
    manifest = tomllib.loads((checkout.root / "parts" / "parts.toml").read_text(encoding="utf-8"))
    if later := manifest.get("later", []):
        rows += ["", "## The second season", ""]
        rows += [f"- [ ] **Part {part['number']} · {part['title']}**" for part in later]
    return "\n".join([*rows, ""])
