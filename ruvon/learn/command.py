"""Part 00 · `ruvon learn`: the exercises, from the first one to the last."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ruvon.errors import RuvonError

if TYPE_CHECKING:
    from ruvon.course.exercise import Exercise
    from ruvon.learn.folder import Folder
    from ruvon.learn.process import Outcome
    from ruvon.learn.process import Process
    from ruvon.learn.screen import Screen

NAME = typer.Argument(None, help="An exercise, such as 1.2; the open one if none is named.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    learn = typer.Typer(
        help="Exercises: fill the holes of an engine, and check them.", no_args_is_help=True
    )
    for command in (start, next_, check, watch, hint, reset, solution, demo, list_, status, export):
        learn.command(command.__name__.rstrip("_"))(command)
    # What follows belongs to the command that it runs, options and all.
    every_word = {"allow_extra_args": True, "ignore_unknown_options": True}
    learn.command("run", context_settings={**every_word, "help_option_names": []})(run)
    app.add_typer(learn, name="learn")


def start(
    part: int = typer.Argument(None, help="The part to begin with: 1, unless you have begun."),
    folder: Path = typer.Option(Path("learning"), "--folder", help="Where to work."),
) -> None:
    """Make a folder to work in, and open the first exercise of a part; or go on where you were."""
    from ruvon.learn.folder import Folder
    from ruvon.learn.screen import Screen

    screen, all_of_them, begun = Screen(), exercises(), folder.exists()
    mine = [exercise for exercise in all_of_them if exercise.part == (part or 1)]
    if not mine:
        there = ", ".join(str(part) for part in sorted({e.part for e in all_of_them}))
        raise RuvonError(f"part {part} has no exercises yet; there are some in {there}")
    opened = Folder.create(folder)
    if not begun:
        screen.welcome(opened)
    if part is None and opened.state.current:
        show_task(opened, screen, opened.current(all_of_them))
        return
    left = [exercise for exercise in mine if not opened.progress(exercise).passed]
    show_task(opened, screen, (left or mine)[0])


def next_(name: str = NAME) -> None:
    """Open the next exercise, or the named one, and show what is to be done."""
    folder, screen, known = here()
    chosen = named(name, known) if name else folder.following(known)
    if chosen is None:
        screen.say("All exercises have passed. ruvon learn list shows them.", "bold green")
        return
    show_task(folder, screen, chosen)


def check(name: str = NAME) -> None:
    """Check what you wrote. Exits with 1 until it passes."""
    from ruvon.learn.process import Process

    folder, screen, known = here()
    exercise = open_one(folder, name, known)
    with Process(root()) as process:
        outcome = run_check(process, folder, exercise)
    screen.outcome(exercise, outcome)
    say_how_to_go_on(screen, folder, known, exercise, outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def watch(name: str = NAME) -> None:
    """Check again whenever you save. Enter opens the next one after a pass; q ends."""
    from ruvon.learn.process import Process
    from ruvon.learn.watch import watch as keep_watching

    folder, screen, known = here()
    exercise = open_one(folder, name, known)
    with Process(root()) as process:
        keep_watching(process, folder, screen, known, exercise)


def hint(name: str = NAME) -> None:
    """Show the next hint; there are three."""
    folder, screen, known = here()
    exercise = open_one(folder, name, known)
    show_hint(folder, screen, exercise)


def reset(
    name: str = NAME,
    file: bool = typer.Option(
        False, "--file", help="The whole module, with other exercises in it, not the hole alone."
    ),
) -> None:
    """Begin an exercise anew. What you wrote is kept in backups/."""
    from ruvon.learn.screen import near

    folder, screen, known = here()
    exercise = open_one(folder, name, known)
    kept = folder.reset(exercise, whole=file)
    screen.say(f"{exercise.name} is as it was at the start, and open.")
    if kept:
        screen.say(f"What you had is kept in {near(kept)}.")
    screen.say(f"Edit   {screen.place(exercise, folder)}", "cyan")


def solution(
    name: str = NAME,
    spoil: bool = typer.Option(False, "--spoil", help="Show it although yours has not passed."),
) -> None:
    """Show the engine's own code, or the answers, after you have passed."""
    folder, screen, known = here()
    exercise = open_one(folder, name, known)
    progress = folder.progress(exercise)
    if not progress.passed:
        if not spoil:
            raise RuvonError(
                f"{exercise.name} has not passed. There are hints: ruvon learn hint. To see the "
                f"solution all the same: ruvon learn solution {exercise.name} --spoil"
            )
        progress.spoiled = True
        folder.save()
    screen.title(exercise)
    screen.code(exercise.solution, "toml" if exercise.file.endswith(".toml") else "python")


def demo(part: int = typer.Argument(None, help="A part; the open one if none is named.")) -> None:
    """Run a part's demo on your engine."""
    from ruvon.course.manifest import find_landed
    from ruvon.course.run import run_script

    folder, screen, known = here()
    number = find_landed(part).number if part else folder.current(known).part
    engine = engine_of(folder, number)
    if holes := say_holes(folder, screen, known, number):
        raise RuvonError(f"the demo needs the whole engine: ruvon learn next {holes[0].name}")
    script = root() / "parts" / f"{number:02}" / "demo.py"
    raise typer.Exit(run_script(engine, root(), str(script)))


def run(words: typer.Context) -> None:
    """Run a `ruvon` command, or a script, on your engine: ruvon learn run next "Once upon a"."""
    from ruvon.course.run import run_script

    folder, screen, known = here()
    number = folder.current(known).part
    engine = engine_of(folder, number)
    if not words.args:
        raise RuvonError('say what to run: ruvon learn run next "Once upon a", or a file of yours')
    what, *more = words.args
    say_holes(folder, screen, known, number)
    target = [str(Path(what).resolve())] if what.endswith(".py") else ["-m", "ruvon.cli", what]
    raise typer.Exit(run_script(engine, root(), *target, *more))


def list_() -> None:
    """List the exercises, and how far each is."""
    folder, screen, known = here()
    screen.all_of(known, folder)


def status() -> None:
    """Say where you are."""
    from ruvon.learn.screen import count

    folder, screen, known = here()
    passed = [exercise for exercise in known if folder.progress(exercise).passed]
    screen.say(f"{len(passed)} of {count(len(known), 'exercise')} passed.", "bold")
    for part in sorted({exercise.part for exercise in known}):
        mine = [exercise for exercise in known if exercise.part == part]
        done = sum(exercise in passed for exercise in mine)
        screen.say(f"  Part {part}  {'#' * done}{'.' * (len(mine) - done)}  {done}/{len(mine)}")
    if folder.state.current:
        exercise = folder.current(known)
        progress = folder.progress(exercise)
        screen.title(exercise)
        tries = f"{count(progress.attempts, 'try').replace('trys', 'tries')}"
        state = "passed, " if progress.passed else ""
        screen.say(f"{state}{tries}, {count(progress.hints, 'hint')} read")
        screen.say(f"Edit   {screen.place(exercise, folder)}", "cyan")


def export(
    name: str = typer.Option("", "--name", help="Whose scores they are."),
) -> None:
    """Print the scores as JSON. What has passed is checked again: the files, or the kept copies."""
    import json

    from ruvon.learn.process import Process
    from ruvon.learn.scores import scores

    folder, _, known = here()
    with Process(root()) as process:
        print(json.dumps(scores(process, folder, known, name), indent=2, ensure_ascii=False))


# What the commands share


def root() -> Path:
    """The checkout that the exercises are in."""
    from ruvon.course.manifest import checkout

    return checkout()


def engine_of(folder: "Folder", part: int) -> Path:
    """The folder with the learner's engine of a part. Raises RuvonError."""
    engine = folder.part(part)
    if not (engine / "ruvon").exists():
        raise RuvonError(f"you have not begun part {part}: ruvon learn start {part}")
    return engine


def say_holes(
    folder: "Folder", screen: "Screen", known: tuple["Exercise", ...], part: int
) -> list["Exercise"]:
    """Tell of the bodies that are not written yet. -> their exercises."""
    holes = [e for e in known if e.part == part and e.in_package and folder.has_hole(e)]
    for exercise in holes:
        screen.say(f"Still a hole: {exercise.name}, in {screen.place(exercise, folder)}", "yellow")
    return holes


def exercises() -> tuple["Exercise", ...]:
    """All exercises that are here."""
    from ruvon.course.exercise import all_exercises

    return all_exercises(root())


def here() -> tuple["Folder", "Screen", tuple["Exercise", ...]]:
    """The learner's folder, the screen, and the exercises."""
    from ruvon.learn.folder import Folder
    from ruvon.learn.screen import Screen

    return Folder.find(Path.cwd()), Screen(), exercises()


def named(name: str, known: tuple["Exercise", ...]) -> "Exercise":
    """The exercise of a name."""
    from ruvon.course.exercise import find_exercise

    return find_exercise(known, name)


def open_one(folder: "Folder", name: str | None, known: tuple["Exercise", ...]) -> "Exercise":
    """The current exercise; a named one becomes the current one. Raises RuvonError."""
    if not name:
        return folder.current(known)
    exercise = named(name, known)
    if not folder.progress(exercise).opened:
        raise RuvonError(f"{name} is not open yet: ruvon learn next {name}")
    folder.state.current = name
    folder.save()
    return exercise


def show_task(folder: "Folder", screen: "Screen", exercise: "Exercise") -> None:
    """Open an exercise and show its text."""
    folder.open(exercise)
    screen.task(exercise, folder)


def show_hint(folder: "Folder", screen: "Screen", exercise: "Exercise") -> None:
    """Show one hint more than before."""
    from ruvon.course.exercise import HINTS

    progress = folder.progress(exercise)
    if progress.passed:  # what is read afterwards does not count
        screen.hints(exercise, HINTS)
        return
    if progress.hints == HINTS:
        way = f"ruvon learn solution {exercise.name} --spoil"
        screen.say(f"These are all. The solution, if you want it: {way}\n")
    progress.hints = min(progress.hints + 1, HINTS)
    folder.save()
    screen.hints(exercise, progress.hints)


def run_check(process: "Process", folder: "Folder", exercise: "Exercise") -> "Outcome":
    """Check an exercise, and write down what came of it. Raises RuvonError."""
    outcome = process.check(exercise, folder.part(exercise.part))
    if outcome.broken:
        raise RuvonError(
            f"the check of {exercise.name} itself is at fault, not you; please report it:\n"
            f"{outcome.broken}"
        )
    progress = folder.progress(exercise)
    if not progress.passed:  # who goes on trying things is not counted
        progress.attempts += 1
    if outcome.passed:
        folder.pass_(exercise, outcome.sha256)
    folder.save()
    return outcome


def say_how_to_go_on(
    screen: "Screen",
    folder: "Folder",
    known: tuple["Exercise", ...],
    exercise: "Exercise",
    outcome: "Outcome",
) -> None:
    """The commands that one may want now."""
    screen.say()
    if not outcome.passed:
        if folder.progress(exercise).passed:
            screen.say(f"{exercise.name} passed before; the file as it is now does not.", "dim")
        screen.say("Mend it and check again. Stuck: ruvon learn hint", "dim")
        return
    if exercise.in_package or exercise.kind == "write the test":
        screen.say("Compare with ours: ruvon learn solution", "dim")
    left = [e for e in known if e.part == exercise.part and not folder.progress(e).passed]
    if left:
        screen.say(f"Go on: ruvon learn next    ({left[0].name} {left[0].title})")
        return
    screen.say(f"Part {exercise.part} is done, and its engine is yours.", "bold")
    screen.say("Run its demo on it: ruvon learn demo")
    if following := folder.following(known):
        screen.say(f"Then go on: ruvon learn next    ({following.name} {following.title})")
