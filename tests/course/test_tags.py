"""What a tag covers, and what stays without it."""

import subprocess
import sys
from itertools import pairwise

import pytest

from ruvon.course.tags import TaggedSource

DOC = '"""Part 1 · Sums: an example."""\n\n'


def read(body, doc=DOC):
    return TaggedSource("ruvon/sums.py", doc + body)


def left(body, stage=1, clean=False):
    """What is left of `body` at `stage`."""
    text = read(body).text(stage, clean=clean)
    assert text.startswith(DOC)
    return text.removeprefix(DOC)


# What a tag covers. Each pair: the source, and what stage 1 has of it.
COVERED = {
    "a statement": ("a = 1\nb = 2  # part 2\nc = 3\n", "a = 1\nc = 3\n"),
    "an import": ("import os\nimport sys  # part 2\n\na = os\n", "import os\n\na = os\n"),
    "a field with the comment above": (
        "class A:\n    x: int\n    # How many.\n    # At least 1.\n    y: int = 1  # part 2\n",
        "class A:\n    x: int\n",
    ),
    "a comment further up stays": (
        "a = 1\n# All of it.\n\n# The second.\nb = 2  # part 2\n",
        "a = 1\n# All of it.\n",
    ),
    "a comment of the block above stays": (
        "if a:\n    b = 1\n    # No more.\nc = 1  # part 2\nd = 1\n",
        "if a:\n    b = 1\n    # No more.\nd = 1\n",
    ),
    "a statement over lines, on its first": ("a = f(  # part 2\n    1,\n)\nb = 1\n", "b = 1\n"),
    "a statement over lines, on its last": ("a = f(\n    1,\n)  # part 2\nb = 1\n", "b = 1\n"),
    "a text that the formatter put between parentheses": (
        'a[0] = (\n    "long"  # part 2\n)\nb = 1\n',
        "b = 1\n",
    ),
    "a returned text between parentheses": (
        'def f():\n    if a:\n        return 1\n    return (\n        "long"  # part 2\n    )\n',
        "def f():\n    if a:\n        return 1\n",
    ),
    "a value between parentheses, on the last line": (
        "a = (\n    b\n)  # part 2\nc = 1\n",
        "c = 1\n",
    ),
    "a continued line": ("a = 1 + \\\n    2  # part 2\nb = 1\n", "b = 1\n"),
    "a function with its decorators": (
        "a = 1\n\n\n# Two.\n@one\n@two(\n    3,\n)\ndef f():  # part 2\n    return 1\n\n\nb = 1\n",
        "a = 1\n\n\nb = 1\n",
    ),
    "a function whose tag the formatter moved to the closing bracket": (
        "a = 1\n\n\ndef f(\n    a, b\n) -> int:  # part 2\n    return 1\n",
        "a = 1\n",
    ),
    "an async function": ("a = 1\n\n\nasync def f():  # part 2\n    return 1\n", "a = 1\n"),
    "a class with all in it": (
        "a = 1\n\n\nclass A(B):  # part 2\n    x: int\n\n    def f(self):\n        return 1\n",
        "a = 1\n",
    ),
    "an `if` with all its branches": (
        "if a:  # part 2\n    b()\nelif c:\n    d()\nelse:\n    e()\nf()\n",
        "f()\n",
    ),
    "an `if` over lines": ("if (\n    a\n    and b\n):  # part 2\n    c()\nd()\n", "d()\n"),
    "a `try` with its handlers": (
        "try:  # part 2\n    a()\nexcept E:\n    b()\nfinally:\n    c()\nd()\n",
        "d()\n",
    ),
    "a `with`, and the comment that ends its body": (
        "with a:  # part 2\n    b()\n\n    # It is open until here.\nc()\n",
        "c()\n",
    ),
    "a `match`": ("match a:  # part 2\n    case 1:\n        b()\nc()\n", "c()\n"),
    "a name called case": ("a = 1\ncase = 2  # part 2\n", "a = 1\n"),
    "the last statement of a body is not the body": (
        "def f():\n    if a:\n        b()\n        c()  # part 2\n",
        "def f():\n    if a:\n        b()\n",
    ),
    "a tag behind another comment": ("a = 1\nimport b  # noqa: F401  # part 2\n", "a = 1\n"),
    "a tag inside of what is dropped": (
        "if a:  # part 2\n    b()\n    c()  # part 3\nd()\n",
        "d()\n",
    ),
    "an argument": ("f(\n    1,\n    2,  # part 2\n)\n", "f(\n    1,\n)\n"),
    "a keyword over lines, on its last": (
        "f(\n    1,\n    a=g(\n        2\n    ),  # part 2\n)\n",
        "f(\n    1,\n)\n",
    ),
    "an entry over lines, on its first": (
        "a = [\n    1,\n    [  # part 2\n        2,\n    ],\n]\n",
        "a = [\n    1,\n]\n",
    ),
    "an entry in an entry": (
        "f(\n    1,\n    [\n        2,\n        3,  # part 2\n    ],\n)\n",
        "f(\n    1,\n    [\n        2,\n    ],\n)\n",
    ),
    "an entry of a dict, with its comment": (
        'a = {\n    "b": 1,\n    # Three.\n    "c": 3,  # part 2\n    **d,  # part 2\n}\n',
        'a = {\n    "b": 1,\n}\n',
    ),
    "an entry of a set": ("a = {\n    1,\n    2,  # part 2\n}\n", "a = {\n    1,\n}\n"),
    "an entry of a tuple": (
        "a = (\n    1,\n    2,\n    3,  # part 2\n)\n",
        "a = (\n    1,\n    2,\n)\n",
    ),
    "an entry between parentheses": (
        "a = [\n    1,\n    (\n        b\n        or c\n    ),  # part 2\n]\n",
        "a = [\n    1,\n]\n",
    ),
    "an entry with a lambda's comma": (
        "f(\n    1,\n    lambda a, b: a,  # part 2\n)\n",
        "f(\n    1,\n)\n",
    ),
    "a parameter": (
        "def f(\n    a,\n    b: int = 1,  # part 2\n):\n    return a\n",
        "def f(\n    a,\n):\n    return a\n",
    ),
    "all parameters after a bare star": (
        "def f(\n    a,\n    *,  # part 2\n    b=1,  # part 2\n    **c,  # part 2\n):\n    b()\n",
        "def f(\n    a,\n):\n    b()\n",
    ),
    "a parameter before a bare slash": (
        "def f(\n    a,\n    /,\n    *b,  # part 2\n):\n    return a\n",
        "def f(\n    a,\n    /,\n):\n    return a\n",
    ),
    "a base class": (
        "class A(\n    B,\n    C,  # part 2\n):\n    x: int\n",
        "class A(\n    B,\n):\n    x: int\n",
    ),
    "an index": (
        "a: dict[\n    int,\n    str,\n    C,  # part 2\n]\n",
        "a: dict[\n    int,\n    str,\n]\n",
    ),
    "an argument of a decorator": (
        "@f(\n    1,\n    2,  # part 2\n)\ndef g():\n    return 1\n",
        "@f(\n    1,\n)\ndef g():\n    return 1\n",
    ),
    "an entry in the test of an `elif`": (
        "if a:\n    b()\nelif c in {\n    1,\n    2,  # part 2\n}:\n    d()\n",
        "if a:\n    b()\nelif c in {\n    1,\n}:\n    d()\n",
    ),
    "beside letters that are not ASCII": (
        'a = {\n    "é·": "ß",\n    "日本": f("漢", "字"),  # part 2\n}\n',
        'a = {\n    "é·": "ß",\n}\n',
    ),
    "beside an f-string": (
        'f(\n    f"{a(1, 2)}, {b}",\n    f"{c!r}" f"{d}",  # part 2\n)\n',
        'f(\n    f"{a(1, 2)}, {b}",\n)\n',
    ),
}


@pytest.mark.parametrize("name", COVERED)
def test_tag_covers(name):
    source, expected = COVERED[name]
    assert left(source) == expected
    assert left(source, stage=3) == source


@pytest.mark.parametrize(
    "source",
    [
        'a = "b  # part 2"\n',
        'a = """\nb  # part 2\n"""\n',
        'a = f"{b}  # part 2"\n',
        "a = 1  # see part 2\n",
        "a = 1  # the rest of this is part 2\n",
        "# Part 2 replaces this one.\na = 1\n",
        "a = 1  # part 2 will need it too\n",
        "a = 1  # depart 2\n",
    ],
)
def test_what_is_no_tag(source):
    assert left(source) == source
    assert not read(source).tags


# Blank lines. Each pair: the source, and what stage 1 has of it.
BLANKS = {
    "the longer run is before": ("a = 1\n\nb = 2  # part 2\nc = 3\n", "a = 1\n\nc = 3\n"),
    "the longer run is after": ("a = 1\nb = 2  # part 2\n\nc = 3\n", "a = 1\n\nc = 3\n"),
    "as long before as after": (
        "def f(): ...\n\n\ndef g(): ...  # part 2\n\n\ndef h(): ...\n",
        "def f(): ...\n\n\ndef h(): ...\n",
    ),
    "two neighbours dropped": (
        "a = 1\n\n\ndef f(): ...  # part 2\n\n\ndef g(): ...  # part 2\n\n\nb = 1\n",
        "a = 1\n\n\nb = 1\n",
    ),
    "the end of a body": (
        "class A:\n    x: int\n\n    y: int  # part 2\n\n\nb = 1\n",
        "class A:\n    x: int\n\n\nb = 1\n",
    ),
    "the end of the file": ("a = 1\n\n\ndef f(): ...  # part 2\n", "a = 1\n"),
    "the start of a class": (
        "class A:\n    x: int  # part 2\n\n    def f(self): ...\n",
        "class A:\n    def f(self): ...\n",
    ),
    "the start of a function": (
        "def f():\n    a = 1  # part 2\n\n    b = 1\n",
        "def f():\n    b = 1\n",
    ),
    "the start of a block, before a function": (
        "if a:\n    b = 1  # part 2\n\n    def f(): ...\n",
        "if a:\n\n    def f(): ...\n",
    ),
    "the start of a block, after a function": (
        "if a:\n\n    def f(): ...  # part 2\n\n    b = 1\n",
        "if a:\n    b = 1\n",
    ),
    "after the imports, no function follows": (
        "import os\n\n\ndef f(): ...  # part 2\n\n\na = os\n",
        "import os\n\na = os\n",
    ),
    "after the imports, a function follows": (
        "import os\n\na = os  # part 2\n\n\n# Why.\ndef f(): ...\n",
        "import os\n\n\n# Why.\ndef f(): ...\n",
    ),
    "after the docstring": ("\ndef f(): ...  # part 2\n\n\na = 1\n", "a = 1\n"),
    "inside of a text": (
        'a = 1\n\nb = 2  # part 2\nc = """\n\n\n"""\n',
        'a = 1\n\nc = """\n\n\n"""\n',
    ),
}


@pytest.mark.parametrize("name", BLANKS)
def test_blank_lines(name):
    source, expected = BLANKS[name]
    assert left(source) == expected


@pytest.mark.parametrize("cases", [COVERED, BLANKS], ids=["covered", "blanks"])
def test_stages_of_formatted_sources_are_formatted(tmp_path, cases):
    """The formatter would change no stage of a source that it would not change."""
    for index, (source, _) in enumerate(cases.values()):
        (tmp_path / f"case{index}.py").write_text(DOC + source)
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100"]
    subprocess.run([*ruff, "--quiet", str(tmp_path)], check=True)
    for path in tmp_path.glob("case*.py"):
        source = TaggedSource(path.name, path.read_text())
        for stage in (1, 2, 3):
            (tmp_path / f"stage{stage}_{path.name}").write_text(source.text(stage))
    found = subprocess.run([*ruff, "--diff", str(tmp_path)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_a_module_exists_from_its_part_on():
    late = TaggedSource("ruvon/late.py", '"""Part 8 · Later."""\n\na = 1\n')
    assert (late.part, late.title) == (8, "Later.")
    assert late.text(7) == ""
    assert late.text(8) == late.text(20) == '"""Part 8 · Later."""\n\na = 1\n'
    tool = TaggedSource("ruvon/tool.py", '"""Part 00 · A tool."""\n\na = 1\nb = 1  # part 3\n')
    assert tool.text(1) == '"""Part 00 · A tool."""\n\na = 1\n'


NESTED = """\
class A:
    x: int
    # Since the second.
    y: int = f(  # part 2
        1,
        2,  # part 4
    )

    def f(self):  # part 3
        return 1

    def g(self):
        return 2  # noqa: X  # part 1
"""


def test_every_line_knows_its_part():
    source = read(NESTED)
    parts = [source.part_of(line) for line in range(3, 16)]
    assert parts == [1, 1, 2, 2, 2, 4, 2, 1, 3, 3, 1, 1, 1]


def test_stages_contain_each_other():
    source = read(NESTED)
    kept = [source.kept(stage) for stage in range(1, 5)]
    for early, late in pairwise(kept):
        assert set(early) < set(late)
    assert source.text(4) == DOC + NESTED


def test_clean_takes_the_tags_and_nothing_else():
    clean = left(NESTED, stage=4, clean=True)
    assert "# part" not in clean
    assert clean.splitlines()[3] == "    y: int = f("
    assert clean.splitlines()[-1] == "        return 2  # noqa: X"
    assert len(clean.splitlines()) == len(NESTED.splitlines())
    assert left('a = "#"  # part 2\n', stage=2, clean=True) == 'a = "#"\n'
