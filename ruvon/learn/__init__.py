"""Part 00 · `ruvon learn`: exercises in the engine's own source, checked in a process of their own.

exercise.py   what an exercise is: a folder in parts/NN/exercises
source.py     a symbol taken out of a module, or put into one
folder.py     the learner's folder: packages with holes, backups, the state
runner.py     the process that runs a learner's code, under limits
checking.py   what the checks are written with; lives in that process
process.py    this side of that process
screen.py     what a learner reads
command.py    the commands
"""

from pathlib import Path


def runner_path() -> Path:
    """The file of the process that runs a learner's code. Importing it would start its work."""
    return Path(__file__).parent / "runner.py"
