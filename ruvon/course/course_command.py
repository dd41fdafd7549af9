"""Part 00 · `ruvon course check`, `sync` and `accept`: articles that cannot drift."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ruvon.course.checkout import Checkout

PART = typer.Option(None, "--part", help="Only the pages of this part.")
RUN = typer.Option(True, "--run/--no-run", help="Run the commands of `output` fences.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    course = typer.Typer(
        help="Hold the articles against code, outputs and results.", no_args_is_help=True
    )
    course.command("check")(check)
    course.command("sync")(sync)
    course.command("accept")(accept)
    app.add_typer(course, name="course")


def check(part: int | None = PART, run: bool = RUN) -> None:
    """Print each fault of the articles, with the way out; exit with 1 if there is one.

    Pages: parts/NN/README.md and exercises, docs/*.md, README.md, TODO.md.

    Fences. `python FILE SYMBOL @STAGE` equals that symbol at that stage; at most 25 lines; a line
    `...` stands for lines left out. `output COMMAND @STAGE` equals what the command prints;
    `output recorded results/x.json` only needs that file, with a "command". Others: pseudo, shell,
    text, mermaid, json, toml, markdown.

    Numbers. `<!--r decode.ms:.1f-->11.6<!--/r-->` equals results/decode.json. A bare "5x" fails,
    and so does a bare time or rate.

    Words. No term of a later part is used without naming that part. When the code that a section
    cites changes its meaning, somebody reads it again: see `ruvon course accept`.

    Links resolve, images have alt text, terms stand in docs/glossary.md, and what is between
    generated markers equals parts/parts.toml. docs/CONTRIBUTING.md, "Articles", has examples.
    """
    from ruvon.course.check import check as find

    checkout = _open(part)
    try:
        faults = find(checkout, part, run)
    finally:
        checkout.close()
    for fault in faults:
        kind = "warning: " if fault.warning else ""
        place = f"{checkout.name(fault.path)}:{fault.line}"
        print(f"{place}: {kind}{fault.what}; {fault.way_out}")
    wrong = sum(not fault.warning for fault in faults)
    pages = _count(len(checkout.pages(part)), "page")
    print(f"{pages}, {_count(wrong, 'fault')}" if wrong else f"{pages}, all as they say")
    if wrong:
        raise typer.Exit(1)


def sync(part: int | None = PART, run: bool = RUN) -> None:
    """Write code, outputs, numbers, heads and tables into the articles, and say what changed.

    A code or output fence with a line `...` is left alone: its lines are chosen by hand.
    """
    from ruvon.course.sync import sync as mend

    checkout = _open(part)
    try:
        mended = mend(checkout, part, run)
    finally:
        checkout.close()
    for fault in mended:
        print(f"{checkout.name(fault.path)}:{fault.line}: mended: {fault.what}")
    print(f"{_count(len(mended), 'place')} written" if mended else "nothing to write")


def accept(part: int | None = PART) -> None:
    """Say that the sections whose cited code changed were read again and are right.

    Prints each entry that changed: article, heading and symbol. They are kept in
    parts/NN/reviewed.toml and docs/reviewed.toml.
    """
    from ruvon.course.reviewed import accept as write

    checkout = _open(part)
    changes = write(checkout, part)
    for change in changes:
        print(f"{checkout.name(change.page)}, {change.heading!r}: {change.symbol}: {change.what}")
    print(f"{_count(len(changes), 'citation')} accepted" if changes else "nothing to accept")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _open(part: int | None) -> "Checkout":
    from ruvon.course.checkout import Checkout
    from ruvon.course.manifest import checkout
    from ruvon.course.manifest import load_manifest
    from ruvon.errors import RuvonError

    opened = Checkout(checkout(), load_manifest())
    numbers = [known.number for known in opened.parts]
    if part is not None and part not in numbers:
        raise RuvonError(f"there is no part {part}; there are {numbers[0]} to {numbers[-1]}")
    return opened
