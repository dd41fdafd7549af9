"""Tags that are refused: each with file, line, what is wrong, and the way out."""

import pytest

from ruvon.course.tags import TagError
from ruvon.course.tags import TaggedSource

DOC = '"""Part 1 · Sums: an example."""\n\n'

# The source, the line (counted after the docstring), and words of the problem and the way out.
REFUSED = {
    "a decorator": ("@a  # part 2\ndef f(): ...\n", 1, "decorator", "tag the line of the `def`"),
    "a decorator's closing bracket": (
        "@a(\n    1,\n)  # part 2\ndef f(): ...\n",
        3,
        "decorator",
        "tag the line of the `def`",
    ),
    "an elif": (
        "if a:\n    b()\nelif c:  # part 2\n    d()\n",
        3,
        "`elif` belongs to",
        "an `if` of its own",
    ),
    "an elif over lines": (
        "if a:\n    b()\nelif (\n    c\n):  # part 2\n    d()\n",
        5,
        "`elif` belongs to",
        "an `if` of its own",
    ),
    "an else": ("if a:\n    b()\nelse:  # part 2\n    d()\n", 3, "`else` belongs to", "an `if`"),
    "an else in one line": (
        "if a:\n    b()\nelse: c()  # part 2\n",
        3,
        "`else` belongs",
        "an `if`",
    ),
    "an except": (
        "try:\n    a()\nexcept E:  # part 2\n    b()\nexcept F:\n    c()\n",
        3,
        "`except` belongs to",
        "an `if`",
    ),
    "a finally": (
        "try:\n    a()\nfinally:  # part 2\n    b()\n",
        3,
        "`finally` belongs",
        "an `if`",
    ),
    "a case": (
        "match a:\n    case 1:\n        b()\n    case 2:  # part 2\n        c()\n",
        4,
        "`case` belongs to",
        "a registry's tagged entry",
    ),
    "an emptied function": (
        "def f():\n    a()  # part 2\n    b()  # part 3\n",
        2,
        "nothing is left of this body before part 2",
        "tag the statement around it",
    ),
    "an emptied else": (
        "if a:\n    b()\nelse:\n    c()  # part 2\n",
        4,
        "nothing is left of this body before part 2",
        "leave the body one statement",
    ),
    "an emptied handler": (
        "try:\n    b()\nexcept E:\n    c()  # part 2\n",
        4,
        "nothing is left of this body",
        "tag the statement around it",
    ),
    "an emptied case": (
        "match a:\n    case 1:\n        b()  # part 2\n",
        3,
        "nothing is left of this body",
        "tag the statement around it",
    ),
    "a body emptied for one stage of three": (
        "if a:  # part 2\n    b()  # part 3\n",
        2,
        "nothing is left of this body before part 3",
        "tag the statement around it",
    ),
    "an emptied bracket": (
        "a = [\n    1,  # part 2\n    2,  # part 3\n]\n",
        1,
        "nothing is left in this bracket before part 2",
        "leave one entry without a tag",
    ),
    "an emptied call": (
        "a = 1\nf(\n    1,  # part 2\n)\n",
        2,
        "nothing is left in this bracket",
        "leave one entry",
    ),
    "an index left with one entry": (
        "a: dict[\n    int,\n    str,  # part 2\n]\n",
        1,
        "subscript would be left with one entry before part 2",
        "leave two entries",
    ),
    "a tuple left with one entry": (
        "a = (\n    1,\n    2,  # part 2\n)\n",
        1,
        "tuple would be left with one entry before part 2",
        "make it a list",
    ),
    "an element of a returned tuple": (
        "def f():\n    return (\n        1,\n        2,\n        3,  # part 2\n    )\n",
        5,
        "an element of a returned tuple",
        "return a dataclass",
    ),
    "a target of an assignment": (
        "(\n    a,\n    b,\n    c,  # part 2\n) = d\n",
        4,
        "an assignment's target",
        "a dataclass",
    ),
    "an earlier tag inside of a later": (
        "if a:  # part 3\n    b()\n    c()  # part 2\n",
        3,
        "part 2 inside of what part 3 brings",
        "write 3 or later",
    ),
    "an earlier entry inside of a later statement": (
        "a = [  # part 3\n    1,\n    2,  # part 2\n]\n",
        3,
        "part 2 inside of what part 3 brings",
        "write 3 or later",
    ),
    "two statements on a line": (
        "a; b  # part 2\n",
        1,
        "two statements on this line could claim the tag",
        "a line of its own",
    ),
    "an `if` in one line": (
        "if a: b()  # part 2\n",
        1,
        "two statements on this line could claim the tag",
        "a line of its own",
    ),
    "a shared first line": (
        "a = 1; b = f(\n    1,\n)  # part 2\n",
        3,
        "shares a line",
        "a line of its own",
    ),
    "a line in the middle": (
        "a = (\n    b\n    or c  # part 2\n    or d\n)\n",
        3,
        "no statement starts or ends on this line",
        "move the tag to the first or the last line",
    ),
    "the last operand between parentheses": (
        "a = (\n    b\n    or c  # part 2\n)\n",
        3,
        "no statement starts or ends on this line",
        "move the tag to the first or the last line",
    ),
    "all arguments on one line": (
        "f(\n    1, 2  # part 2\n)\n",
        2,
        "no statement starts or ends on this line",
        "one entry a line with a comma after the last",
    ),
    "a line of a comprehension": (
        "a = [\n    b\n    for b in c  # part 2\n]\n",
        3,
        "no statement starts or ends on this line",
        "move the tag to the first or the last line",
    ),
    "an entry that shares its line": (
        "f(\n    1,\n    2, 3,  # part 2\n)\n",
        3,
        "no entry has it to itself",
        "one entry a line with a comma after the last",
    ),
    "a last entry without a comma": (
        "a = [\n    1,\n    2  # part 2\n]\n",
        3,
        "no comma after it",
        "add the comma",
    ),
    "a name of an import": (
        "from a import (\n    b,\n    c,  # part 2\n)\n",
        3,
        "no statement starts or ends on this line",
        "move the tag",
    ),
    "a tag on a line of its own": (
        "# part 2\na = 1\n",
        1,
        "the tag has the line to itself",
        "at the end of the first or the last line",
    ),
    "two tags on one statement": (
        "a = f(  # part 2\n    1,\n)  # part 3\n",
        3,
        "a second tag on what line 3 tags",
        "keep one",
    ),
    "a docstring": (
        'class A:\n    """Doc."""  # part 2\n\n    x: int\n',
        2,
        "a docstring cannot come later",
        "a comment above",
    ),
    "a bare star left alone": (
        "def f(\n    a,\n    *,\n    b=1,  # part 2\n): ...\n",
        3,
        "at stage 1 this is no longer Python",
        "a bare `*` too",
    ),
    "almost a tag, with a capital": (
        "a = 1  # Part 2\n",
        1,
        "almost a tag",
        "write it as `# part 8`",
    ),
    "almost a tag, with two digits": ("a = 1  # part 02\n", 1, "almost a tag", "write it as"),
    "almost a tag, without a space": ("a = 1  #part 2.\n", 1, "almost a tag", "write it as"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    source, line, problem, way_out = REFUSED[name]
    with pytest.raises(TagError) as caught:
        TaggedSource("ruvon/sums.py", DOC + source)
    message = str(caught.value)
    assert message.startswith(f"ruvon/sums.py:{line + 2}: "), message
    said, _, how = message.partition("; ")
    assert problem in said and way_out in how


@pytest.mark.parametrize(
    ("source", "line", "problem"),
    [
        ("import os\n", 1, "does not say which part"),
        ('"""Sums."""\n', 1, "does not say which part"),
        ('"""Part 08 · Sums."""\n', 1, "does not say which part"),
        ('"""Part 8: Sums."""\n', 1, "does not say which part"),
        (DOC + "a = (\n", 3, "not Python"),
        (DOC + "a = '''\n", 3, "not Python"),
    ],
)
def test_a_module_that_cannot_be_placed(source, line, problem):
    with pytest.raises(TagError, match=rf"^ruvon/sums\.py:{line}: .*{problem}"):
        TaggedSource("ruvon/sums.py", source)


def test_a_tag_before_the_module_itself_is_refused():
    with pytest.raises(TagError, match=r"^m\.py:3: tagged part 2 inside of what part 8 brings"):
        TaggedSource("m.py", '"""Part 8 · Late."""\n\na = 1  # part 2\n')
