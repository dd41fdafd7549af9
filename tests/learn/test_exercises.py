"""Every exercise: what is right passes, what is known to be wrong fails by name, mutants fail.

`python -m pytest tests/learn/test_exercises.py -k 1.2` tests one exercise; a mutant that passes is
printed when too many do.
"""

import ast
import re

import pytest

from ruvon.course.checkout import Checkout
from ruvon.course.concepts import early_terms
from ruvon.course.exercise import IN_PACKAGE
from ruvon.course.exercise import all_exercises
from ruvon.course.exercise import read_exercises
from ruvon.course.manifest import checkout
from ruvon.course.manifest import landed
from ruvon.course.manifest import load_manifest
from ruvon.learn.mutants import mutants
from ruvon.learn.mutants import wrong_answers

# So many mutants of a solution are tried in every run, spread over all of them.
SPREAD = 16

EXERCISES = all_exercises(checkout())
ANSWERS = [
    (e, path) for e in EXERCISES for which in ("right", "wrong") for path in e.answers(which)
]
SAYS = re.compile(r"# says: (.+)")


def exercise_name(value):
    return value.name if hasattr(value, "hints") else f"{value.parent.name}-{value.stem}"


@pytest.fixture(scope="module")
def opened():
    return Checkout(checkout(), load_manifest())


each = pytest.mark.parametrize("exercise", EXERCISES, ids=exercise_name)


@pytest.mark.parametrize("part", [part.number for part in landed()])
def test_every_part_has_exercises_of_several_kinds(part):
    mine = read_exercises(checkout(), part)
    assert len(mine) >= 4
    assert len({exercise.kind for exercise in mine}) >= 3
    assert {exercise.kind for exercise in mine} & set(IN_PACKAGE)


@pytest.mark.parametrize("part", [part.number for part in landed()])
def test_no_two_exercises_of_a_part_take_the_same_code(part):
    """Or else the hole of one would take away what passed in the other."""
    taken = [(e.file, symbol) for e in read_exercises(checkout(), part) for symbol in e.symbols]
    assert len(taken) == len(set(taken))


@each
def test_it_uses_terms_of_its_part_and_before(exercise, opened):
    """In its text, its hints, what its checks say, and what the learner's file says."""
    files = [exercise.folder / "check.py"]
    files += [] if exercise.in_package else [exercise.starter_path]
    said = [exercise.title, exercise.text, *exercise.hints]
    for file in files:
        if file.suffix == ".py":
            nodes = ast.walk(ast.parse(file.read_text()))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
            said += [text for text in texts if isinstance(text, str) and " " in text]
        else:
            said.append(file.read_text().replace("#", ""))
    for text in said:
        early = [(term, born) for _, term, born in early_terms(text, exercise.part, opened)]
        assert not early, text


def test_a_term_of_a_later_part_is_found(opened):
    [(_, term, born)] = early_terms("Fill the KV caches.", 2, opened)
    assert (term, born) == ("KV cache", 3)


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
def test_nine_mutants_of_ten_fail(exercise, bench, request):
    """A spread of them in every run; `make mutants` takes them all."""
    if exercise.file.endswith(".toml"):
        changed = list(wrong_answers(exercise.solution))
    else:
        changed = list(mutants(exercise.solution, asserts=exercise.kind == "write the test"))
    assert len(changed) >= 5
    may_pass = len(changed) // 10
    if not request.config.getoption("--all-mutants"):
        changed = changed[:: -(-len(changed) // SPREAD)]
        may_pass = min(may_pass, 3)
    outcomes = [(what, bench.check(exercise, text)) for what, text in changed]
    broken = {what: outcome.broken for what, outcome in outcomes if outcome.broken}
    assert not broken, broken
    survived = [what for what, outcome in outcomes if outcome.passed]
    share = 1 - len(survived) / len(changed)
    print(f"{exercise.name}: {len(changed)} mutants, {share:.0%} fail; these pass: {survived}")
    assert len(survived) <= may_pass, survived
