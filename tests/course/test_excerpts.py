import pytest

from ruvon.course.excerpts import compare
from ruvon.course.source import symbol_lines
from ruvon.errors import RuvonError

ORIGINAL = ["def f():", '    """Say."""', "    a = 1", "", "    b = 2", "    return a + b"]


@pytest.mark.parametrize(
    "excerpt",
    [
        ORIGINAL,
        [line + "  " for line in ORIGINAL],
        ["def f():", "    ...", "    return a + b"],
        ["def f():", "    ...  # the doc", "    a = 1", "...", "    return a + b"],
        ["...", "    b = 2", "..."],
        ["def f():", "...", "", "    b = 2", "    return a + b"],
        ["def f():", '    """Say."""', "...", "    a = 1", "", "    b = 2", "    return a + b"],
        ["..."],
    ],
)
def test_an_excerpt_that_the_original_bears_out(excerpt):
    assert compare(excerpt, ORIGINAL, inside=False) is None


@pytest.mark.parametrize(
    ("excerpt", "index", "found", "wanted"),
    [
        (["def f():", "    a = 1"], 1, "    a = 1", '    """Say."""'),
        (["def g():", "..."], 0, "def g():", "def f():"),
        (["def f():", "..."][:1], 1, None, '    """Say."""'),
        (["def f():", "...", "    a = 1"], 3, None, ""),
        (["...", "    b = 2", "    a = 1"], 2, "    a = 1", "    return a + b"),
        (["...", "    b = 2", "...", "    a = 1", "..."], 3, "    a = 1", None),
        ([*ORIGINAL, "    more"], 6, "    more", None),
        (["...", "  return a + b"], 1, "  return a + b", None),
        ([], 0, None, "def f():"),
    ],
)
def test_the_first_difference_is_named(excerpt, index, found, wanted):
    difference = compare(excerpt, ORIGINAL, inside=False)
    assert (difference.index, difference.found, difference.wanted) == (index, found, wanted)


def test_inside_an_excerpt_starts_and_ends_anywhere():
    assert compare(["    a = 1", "", "    b = 2"], ORIGINAL, inside=True) is None
    assert compare(["    a = 1", "    b = 2"], ORIGINAL, inside=True).index == 1


SOURCE = """
import os

TABLE: dict[str, int] = {
    "a": 1,
}

@decorated
class Thing:
    field: int = 1

    @property
    def name(self):
        return (
            "x"
        )

def f(): ...
"""


@pytest.mark.parametrize(
    ("symbol", "lines"),
    [
        ("TABLE", ["TABLE: dict[str, int] = {", '    "a": 1,', "}"]),
        ("Thing.name", ["@property", "def name(self):", "    return (", '        "x"', "    )"]),
        ("Thing.field", ["field: int = 1"]),
        ("f", ["def f(): ..."]),
    ],
)
def test_a_symbol_is_found_and_dedented(symbol, lines):
    assert symbol_lines(SOURCE, symbol) == lines


def test_a_class_comes_with_its_decorators():
    assert symbol_lines(SOURCE, "Thing")[:2] == ["@decorated", "class Thing:"]


def test_an_unknown_symbol_lists_those_known():
    with pytest.raises(RuvonError, match="no `other` among field, name"):
        symbol_lines(SOURCE, "Thing.other")
