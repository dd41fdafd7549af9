"""Part 00 · What a learner reads: at 60 columns, and without color, as well as at 120 with it."""

import re
from collections.abc import Sequence
from pathlib import Path
from shutil import get_terminal_size

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ruvon.course import source
from ruvon.course.exercise import HINTS
from ruvon.course.exercise import Exercise
from ruvon.learn.folder import Folder
from ruvon.learn.process import Failure
from ruvon.learn.process import Outcome

WIDEST = 88
WIDEST_LABEL = 14

_HEADING = re.compile(r"\A# .*\n+")

WELCOME = """\
You will build the engine of each part, one hole at a time. Every
exercise begins with a check that fails: that is where one starts.
Fail as often as you like. Nothing you write is ever lost."""


class Screen:
    """Where a learner's commands print."""

    def __init__(self) -> None:
        # Asked of the terminal itself: rich takes every plain one to have 80 columns, unless it is
        # told both sizes.
        width, height = get_terminal_size()
        self.console = Console(highlight=False, width=min(width, WIDEST), height=height)

    def say(self, text: str = "", style: str = "") -> None:
        """A line, or a paragraph."""
        self.console.print(text, style=style, markup=False)

    def welcome(self, folder: Folder) -> None:
        """The first screen."""
        self.say("ruvon learn", "bold")
        self.say(" ".join(WELCOME.split("\n")))
        self.say(f"Your folder: {near(folder.path)}/")

    def title(self, exercise: Exercise) -> None:
        """Which exercise it is."""
        self.say()
        self.console.print(Text(f"{exercise.name} · {exercise.title}", "bold"))
        self.say(f"{exercise.kind}, about {exercise.minutes} minutes", "dim")

    def task(self, exercise: Exercise, folder: Folder) -> None:
        """The text of an exercise, where to work, and how to go on."""
        self.title(exercise)
        self.say()
        self.console.print(Markdown(_HEADING.sub("", exercise.text), code_theme="ansi_light"))
        self.say()
        self.say(f"Edit   {self.place(exercise, folder)}", "cyan")
        self.say("Check  ruvon learn check")
        self.say("       ruvon learn watch checks whenever you save")
        self.say("Stuck  ruvon learn hint")

    def place(self, exercise: Exercise, folder: Folder) -> str:
        """The file to edit; with the line, where that gives nothing away."""
        path = folder.file(exercise)
        if exercise.kind == "fill in":
            line = source.hole_line(path.read_text(encoding="utf-8"), exercise.symbols[0])
            return f"{near(path)}:{line}"
        if exercise.kind == "find the bug":
            package = near(folder.part(exercise.part) / "ruvon")
            return f"{package}/ (somewhere, but not in course/ or learn/)"
        return near(path)

    def outcome(self, exercise: Exercise, outcome: Outcome) -> None:
        """What a check found."""
        if outcome.printed:
            self.say("Your code printed:", "dim")
            self.say(outcome.printed.rstrip())
            self.say()
        if outcome.passed:
            self.passed(exercise, outcome)
        else:
            assert outcome.failure is not None
            self.failed(exercise, outcome, outcome.failure)

    def passed(self, exercise: Exercise, outcome: Outcome) -> None:
        """All is as it should be, and what shows that it was the learner's file."""
        self.say(f"{exercise.name} passed: {count(outcome.cases, 'case')}.", "bold green")
        if outcome.ran:
            ran = ", ".join(outcome.ran)
            self.say(f"It ran {ran} of {outcome.file} ({outcome.sha256[:8]}).", "dim")
        else:
            self.say(f"It read {outcome.file} ({outcome.sha256[:8]}).", "dim")

    def failed(self, exercise: Exercise, outcome: Outcome, failure: Failure) -> None:
        """The smallest failing case."""
        self.say(f"{exercise.name} not yet.", "bold yellow")
        self.say(failure.message, "bold")
        if failure.case and not failure.hole:
            self.say()
            which = "smallest" if failure.sized else "first"
            more = f" (the {which} of {outcome.failed} that fail)" if outcome.failed > 1 else ""
            self.say(f"{failure.case}{more}")
        self.lines(failure.seen if failure.hole else (*failure.inputs, *failure.seen))

    def lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Labels and values: in two columns, or one below the other where there is no room."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, value in lines:
            if len(label) <= WIDEST_LABEL:
                table.add_row(Text(label, "dim"), Text(value))
        if table.row_count:
            self.console.print(Padding(table, (0, 0, 0, 2)))
        for label, value in lines:
            if len(label) > WIDEST_LABEL:
                self.say(f"  {label}", "dim")
                self.say(f"    {value}")

    def hints(self, exercise: Exercise, shown: int) -> None:
        """The first hints."""
        for number, hint in enumerate(exercise.hints[:shown], start=1):
            self.say(f"Hint {number} of {HINTS}", "bold")
            self.console.print(Markdown(hint))
            self.say()

    def code(self, text: str, language: str) -> None:
        """Source, in color where there is some."""
        if self.console.is_terminal and not self.console.no_color:
            self.console.print(Syntax(text, language, theme="ansi_light", word_wrap=True))
        else:
            self.console.print(text, markup=False, soft_wrap=True)

    def all_of(self, exercises: Sequence[Exercise], folder: Folder) -> None:
        """Every exercise, with how far it is."""
        table = Table(box=None, pad_edge=False, padding=(0, 1))
        for column in ("", "exercise", "kind", ""):
            table.add_column(column, overflow="fold")
        for exercise in exercises:
            state = self.state(exercise, folder)
            style = {"passed": "green", "open": "cyan"}.get(state, "")
            table.add_row(exercise.name, exercise.title, exercise.kind, Text(state, style))
        self.console.print(table)

    def state(self, exercise: Exercise, folder: Folder) -> str:
        """How far an exercise is, in a word."""
        progress = folder.progress(exercise)
        if progress.passed:
            return "passed"
        return "open" if progress.opened else ""


def count(number: int, thing: str) -> str:
    """3 cases, 1 case."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def near(path: Path) -> str:
    """A path as one types it from here, if that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
