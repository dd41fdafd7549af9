"""A symbol taken out of a module, and put into one: the rest stays as it is, to the letter."""

import pytest

from ruvon.course import source
from ruvon.course.exercise import all_exercises
from ruvon.course.manifest import checkout

MODULE = '''"""A module."""

import torch


# Above f.
def f(x):
    """Add one."""
    # This comment tells how.
    y = x + 1
    return y


class C:
    """A class."""

    @staticmethod
    def m(
        x,
        y=2,
    ):
        """Multiply."""
        return x * y

    def n(self):
        """Only this."""
        return 3


def g(x): return x
'''


def test_a_hole_keeps_signature_and_docstring_and_nothing_of_the_body():
    holed = source.with_holes(MODULE, ["f", "C.m"], "exercise 9.9")
    namespace = {}
    exec(holed.replace("import torch", ""), namespace)
    with pytest.raises(NotImplementedError, match=r"9\.9: write this body"):
        namespace["f"](1)
    assert namespace["f"].__doc__ == "Add one."
    assert "This comment tells how." not in holed
    assert "x * y" not in holed
    assert 'y=2,\n    ):\n        """Multiply."""\n        raise NotImplementedError' in holed
    assert holed.endswith(MODULE[MODULE.index("    def n(self)") :])


def test_put_changes_the_definition_alone():
    answer = 'class C:\n    def n(self):\n        """Only this."""\n        return 3\n'
    assert source.put(MODULE, ["C.n"], answer) == MODULE
    changed = source.put(MODULE, ["f"], "def f(x):\n    return x + 2\n")
    before, after = MODULE.split("# Above f.\n")[0], MODULE[MODULE.index("\n\nclass C") :]
    assert changed == f"{before}# Above f.\ndef f(x):\n    return x + 2\n{after}"


def test_decorators_go_with_the_definition():
    answer = "class C:\n    def m(x):\n        return x\n"
    assert "@staticmethod" not in source.put(MODULE, ["C.m"], answer)
    assert source.excerpt(MODULE, ["C.m"]).startswith("class C:\n    @staticmethod\n    def m(")


@pytest.mark.parametrize(
    "exercise", [e for e in all_exercises(checkout()) if e.in_package], ids=lambda e: e.name
)
def test_the_solution_put_back_is_the_stage_itself(exercise):
    assert source.put(exercise.original, exercise.symbols, exercise.solution) == exercise.original
    holed = source.put(exercise.original, exercise.symbols, exercise.starter)
    assert holed != exercise.original
    assert source.put(holed, exercise.symbols, exercise.solution) == exercise.original


def test_what_is_missing_or_broken_is_said():
    with pytest.raises(source.SourceError, match="`h` is not defined there any more"):
        source.find(MODULE, "h")
    with pytest.raises(source.SourceError, match="line 2 is no Python"):
        source.find("x = 1\ny = (\n", "x")
