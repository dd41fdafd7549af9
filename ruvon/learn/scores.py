"""Part 00 · Scores for a class: what has passed, checked again, as it stands in the files now."""

from collections.abc import Sequence
from typing import Any

from ruvon.course.exercise import Exercise
from ruvon.learn.folder import FORMAT
from ruvon.learn.folder import Folder
from ruvon.learn.process import Process
from ruvon.version import __version__


def scores(
    process: Process, folder: Folder, known: Sequence[Exercise], name: str
) -> dict[str, Any]:
    """The scores of a learner's folder.

    learn.json alone earns no point. The files are checked as they are now; where a later exercise
    has made a hole of what had passed, the copy that passed is.
    """
    rows = []
    for exercise in known:
        progress = folder.progress(exercise)
        part, kept = folder.part(exercise.part), folder.passed_copy(exercise)
        outcome = process.check(exercise, part) if progress.opened else None
        if outcome and not outcome.passed and progress.passed and kept.exists():
            outcome = process.check(exercise, part, kept)
        rows.append(
            {
                "exercise": exercise.name,
                "title": exercise.title,
                "kind": exercise.kind,
                "passed": bool(outcome and outcome.passed),
                "passed_at": progress.passed or None,
                "attempts": progress.attempts,
                "hints": progress.hints,
                "spoiled": progress.spoiled,
                "sha256": outcome.sha256 if outcome else None,
            }
        )
    return {
        "format": FORMAT,
        "ruvon": __version__,
        "name": name,
        "started": folder.state.started,
        "passed": sum(row["passed"] for row in rows),
        "of": len(rows),
        "exercises": rows,
    }
