"""What a module takes from later parts is found, in the small package and in this one."""

from pathlib import Path

import pytest

from ruvon.course.later import later_uses

HEAD = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("import ruvon.late", "ruvon.late, which part 3 brings"),
        ("import ruvon.late  # part 2", "ruvon.late, which part 3 brings"),
        ("from ruvon import late", "ruvon.late, which part 3 brings"),
        ("from . import late", "ruvon.late, which part 3 brings"),
        ("from .late import x  # part 2", "x of ruvon.late, which part 3 brings"),
        ("from ruvon.sums import double", "double of ruvon.sums, which part 3 brings"),
        ('TABLE = ["ruvon.late"]', "ruvon.late, which part 3 brings"),
        ("def f():\n    from ruvon import late\n    return late", "ruvon.late, which"),
        ("import ruvon.late  # part 3", None),
        ("def f():  # part 3\n    import ruvon.late\n    return ruvon.late", None),
        ("from ruvon.sums import double  # part 3", None),
        ("from ruvon.sums import add, neg", None),
        ('TABLE = [\n    "ruvon.sums",\n    "ruvon.late",  # part 3\n]', None),
        ('TEXT = "see ruvon.late"', None),
        ("import os.path", None),
    ],
)
def test_later_uses_are_found(small, line, fault):
    small.write("ruvon/user.py", f'"""Part 1 · A user."""\n\n{line}\n')
    found = later_uses(small.root)
    if fault is None:
        assert not found
    else:
        assert len(found) == 1 and found[0].startswith("ruvon/user.py:") and fault in found[0]


def test_the_package_itself_uses_nothing_later():
    assert later_uses(HEAD) == []
