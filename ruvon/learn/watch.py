"""Part 00 · `ruvon learn watch`: check whenever the file is saved."""

import os
import select
import sys
from collections.abc import Sequence

from ruvon.course.exercise import Exercise
from ruvon.learn.command import run_check
from ruvon.learn.command import say_how_to_go_on
from ruvon.learn.command import show_hint
from ruvon.learn.command import show_task
from ruvon.learn.folder import Folder
from ruvon.learn.process import Process
from ruvon.learn.screen import Screen

SECONDS = 0.25  # between two looks at the file

HELP = "Save to check again. Keys, each with Enter: h hint, t task, q end."


def watch(
    process: Process,
    folder: Folder,
    screen: Screen,
    known: Sequence[Exercise],
    exercise: Exercise,
) -> None:
    """Check, wait for a change or a key, and begin again, until `q` or Ctrl-C."""
    exercises, keys = tuple(known), True
    process.start()
    while True:
        seen = stamp(folder, exercise)
        outcome = run_check(process, folder, exercise)
        screen.say()
        screen.outcome(exercise, outcome)
        following = folder.following(exercises) if outcome.passed else None
        if outcome.passed:
            say_how_to_go_on(screen, folder, exercises, exercise, outcome)
        screen.say(f"{HELP} Enter alone: the next." if following else HELP, "dim")
        while stamp(folder, exercise) == seen:
            key = read_key() if keys else wait()
            if key == "q":
                return
            if key is None:
                keys = False  # the input has ended; Ctrl-C still works
            elif key == "h":
                show_hint(folder, screen, exercise)
            elif key == "t":
                show_task(folder, screen, exercise)
            elif key == "enter" and following:
                exercise = following
                show_task(folder, screen, exercise)
                break


def stamp(folder: Folder, exercise: Exercise) -> tuple[int, int, int]:
    """What changes when the file is saved."""
    try:
        found = folder.file(exercise).stat()
    except OSError:  # an editor may be replacing it
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def read_key() -> str | None:
    """A line that was typed, within a moment: its first letter, or "enter". None at the end."""
    ready, _, _ = select.select([sys.stdin], [], [], SECONDS)
    if not ready:
        return ""
    line = os.read(sys.stdin.fileno(), 1024).decode(errors="replace")
    if not line:
        return None
    return line.strip()[:1].lower() or "enter"


def wait() -> str:
    """Let a moment pass."""
    select.select([], [], [], SECONDS)
    return ""
