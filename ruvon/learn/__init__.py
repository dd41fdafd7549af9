"""Part 00 · `ruvon learn`: exercises in the engine's own source, checked in a process of their own.

folder.py     the learner's folder: packages with holes, backups, the state
runner.py     the process that runs a learner's code, under limits
checking/     what checks are written with; lives in that process
process.py    this side of that process
screen.py     what a learner reads
command.py    the commands

What an exercise is stands in ruvon/course/exercise.py.
"""
