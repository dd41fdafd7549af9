"""Part 00 · `ruvon stage`: the package as it stood at a part."""

from pathlib import Path

import typer
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from ruvon.errors import RuvonError

USAGE = "write: ruvon stage NN DIR, ruvon stage diff M N, or ruvon stage list"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stage")(stage)


def stage(
    what: str = typer.Argument(
        ..., help="A stage's number, `diff`, or `list`.", metavar="NN|diff|list"
    ),
    arguments: list[str] = typer.Argument(
        None, help="The folder to write to; or, for diff, two stages.", metavar="[DIR]|[M N]"
    ),
    clean: bool = typer.Option(False, "--clean", help="Leave the tags out, as articles do."),
    force: bool = typer.Option(
        False, "--force", help="Write to a folder that is not empty; an older DIR/ruvon is kept."
    ),
) -> None:
    """Write the package out as of Part NN, or show what parts add.

    `ruvon stage 2 DIR` writes DIR/ruvon.

    `ruvon stage diff 2 3` shows what Part 3 adds; stage 0 is empty.

    `ruvon stage list` lists the stages.
    """
    words = arguments or []
    if what == "list" and not words:
        show_list()
    elif what == "diff" and len(words) == 2:
        show_difference(number(words[0], empty=True), number(words[1]))
    elif what not in ("list", "diff") and len(words) == 1:
        write(number(what), Path(words[0]), clean, force)
    else:
        raise RuvonError(USAGE)


def number(word: str, empty: bool = False) -> int:
    """The stage that a word names; 0, the empty stage, on request. Raises RuvonError."""
    from ruvon.course.manifest import find_landed

    if not word.isdecimal():
        raise RuvonError(f"{word!r} is not the number of a stage; {USAGE}")
    return 0 if empty and int(word) == 0 else find_landed(int(word)).number


def write(chosen: int, folder: Path, clean: bool, force: bool) -> None:
    """Write one stage to a folder. Nothing that is there is overwritten. Raises RuvonError."""
    from ruvon.course.manifest import checkout
    from ruvon.course.stages import write_stage

    root = checkout()
    aside = make_room(folder, root, force)
    modules = write_stage(chosen, folder, root, clean=clean)
    if aside:
        print(f"kept what was there as {aside}")
    print(f"wrote stage {chosen:02} to {folder / 'ruvon'}: {modules} modules")
    print(f"run it: cd {folder} && RUVON_ZOO={root / 'ruvon' / 'zoo'} python -m ruvon.cli --help")


def make_room(folder: Path, root: Path, force: bool) -> Path | None:
    """See that `folder` can be written to. -> where an older `ruvon` in it was moved."""
    target = folder / "ruvon"
    if folder.exists() and not folder.is_dir():
        raise RuvonError(f"{folder} is a file; name a folder")
    if target.resolve().is_relative_to((root / "ruvon").resolve()):
        raise RuvonError(f"{target} is, or is in, the package itself; name a folder elsewhere")
    if folder.exists() and any(folder.iterdir()) and not force:
        raise RuvonError(
            f"{folder} is not empty; name another folder, or add --force (what is there stays, and "
            f"an older {target} is moved aside)"
        )
    if not target.exists():
        return None
    count = 1
    while (aside := folder / f"ruvon.old{count}").exists():
        count += 1
    return target.rename(aside)


def show_list() -> None:
    """The stages and their sizes, and the parts that are to come."""
    from ruvon.course.manifest import load_manifest
    from ruvon.course.stages import difference

    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("stage", "new modules", "lines added", "title"):
        table.add_column(column, justify="left" if column == "title" else "right")
    for part in load_manifest():
        if part.status == "landed":
            grown = difference(part.number - 1, part.number)
            sizes = (str(len(grown.new_modules)), f"{grown.added:,}")
            table.add_row(part.folder, *sizes, part.title)
        else:
            table.add_row(part.folder, "", part.status, part.title, style="dim")
    Console().print(table)


def show_difference(old: int, new: int) -> None:
    """A unified diff, and its summary. Raises RuvonError when `old` is not the earlier stage."""
    from ruvon.course.stages import difference

    if old >= new:
        raise RuvonError(f"write the earlier stage first: ruvon stage diff {new} {old or new + 1}")
    found = difference(old, new)
    console = Console(highlight=False, soft_wrap=True)
    if console.is_terminal:
        console.print(Syntax("\n".join(found.text), "diff", background_color="default"))
    else:
        print("\n".join(found.text))
    modules = f"{len(found.new_modules)} new module{'s' * (len(found.new_modules) != 1)}"
    console.print(
        f"\nstage {old} to stage {new}: {modules}, {found.added:,} lines added, "
        f"{found.removed} removed"
    )
    for name in found.new_modules:
        console.print(f"  new: {name}", markup=False)
