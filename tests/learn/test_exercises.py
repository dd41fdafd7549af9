"""Every exercise: what is right passes, what is known to be wrong fails by name, mutants fail.

`python -m pytest tests/learn/test_exercises.py -k 1.2` tests one exercise; a mutant that passes is
printed when too many do.
"""

import re

import pytest

from ruvon.course.manifest import checkout
from ruvon.course.manifest import landed
from ruvon.learn.exercise import IN_PACKAGE
from ruvon.learn.exercise import all_exercises
from ruvon.learn.exercise import read_exercises
from ruvon.learn.mutants import mutants
from ruvon.learn.mutants import wrong_answers

EXERCISES = all_exercises(checkout())
ANSWERS = [
    (e, path) for e in EXERCISES for which in ("right", "wrong") for path in e.answers(which)
]
SAYS = re.compile(r"# says: (.+)")


def exercise_name(value):
    return value.name if hasattr(value, "hints") else f"{value.parent.name}-{value.stem}"


each = pytest.mark.parametrize("exercise", EXERCISES, ids=exercise_name)


@pytest.mark.parametrize("part", [part.number for part in landed()])
def test_every_part_has_exercises_of_several_kinds(part):
    mine = read_exercises(checkout(), part)
    assert len(mine) >= 4
    assert len({exercise.kind for exercise in mine}) >= 3
    assert {exercise.kind for exercise in mine} & set(IN_PACKAGE)


@each
def test_it_ships_answers_that_are_right_and_wrong(exercise):
    assert len(exercise.answers("right")) >= 2
    assert len(exercise.answers("wrong")) >= 3


@each
def test_the_solution_passes_and_the_starter_does_not(exercise, bench):
    outcome = bench.check(exercise, exercise.solution)
    assert outcome.passed, outcome
    assert outcome.cases > 0
    outcome = bench.check(exercise, exercise.starter)
    assert not outcome.broken, outcome.broken
    assert not outcome.passed


@pytest.mark.parametrize(("exercise", "answer"), ANSWERS, ids=exercise_name)
def test_an_answer_is_judged_as_it_should_be(exercise, answer, bench):
    text = answer.read_text()
    outcome = bench.check(exercise, text)
    assert not outcome.broken, outcome.broken
    if answer.parent.name == "right":
        assert outcome.passed, outcome.failure
        return
    says = SAYS.match(text)
    assert says, "a wrong answer begins with `# says:` and the words that the message must have"
    assert outcome.failure is not None, "it passes"
    assert says[1] in outcome.failure.message


@each
def test_nine_mutants_of_ten_fail(exercise, bench):
    if exercise.file.endswith(".toml"):
        changed = list(wrong_answers(exercise.solution))
    else:
        changed = list(mutants(exercise.solution, asserts=exercise.kind == "write the test"))
    assert len(changed) >= 5
    outcomes = {what: bench.check(exercise, text) for what, text in changed}
    broken = {what: o.broken for what, o in outcomes.items() if o.broken}
    assert not broken, broken
    survived = [what for what, outcome in outcomes.items() if outcome.passed]
    share = 1 - len(survived) / len(changed)
    print(f"{exercise.name}: {len(changed)} mutants, {share:.0%} fail; these pass: {survived}")
    assert share >= 0.9, survived
