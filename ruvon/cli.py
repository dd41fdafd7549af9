"""Part 1 · The `ruvon` command. Each command lives in a module of the part that brings it."""

import sys
from importlib import import_module

import typer
from rich.console import Console

from ruvon.errors import RuvonError
from ruvon.version import __version__

# Modules with a function `register(app)`. They import nothing heavy before a command runs.
COMMANDS = (
    "ruvon.commands.next",
    "ruvon.commands.run",  # part 2
    "ruvon.commands.bench",  # part 3
    "ruvon.commands.serve",  # part 4
    "ruvon.commands.chat",  # part 4
    "ruvon.commands.doctor",
    "ruvon.commands.convert",
    "ruvon.course.command",
    "ruvon.course.course_command",
    "ruvon.learn.command",
)

app = typer.Typer(
    name="ruvon",
    help="An LLM inference engine that teaches.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"ruvon {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=show_version, is_eager=True
    ),
) -> None:
    """An LLM inference engine that teaches."""


def main() -> None:
    """Run the command line. An error of the user's is one clear line, not a stack."""
    for module in COMMANDS:
        import_module(module).register(app)
    try:
        app()
    except RuvonError as error:
        Console(stderr=True, soft_wrap=True).print("error:", str(error), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
