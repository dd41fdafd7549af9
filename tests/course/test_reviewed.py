"""A section is read again when the code that it cites comes to mean something else."""

import re
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from ruvon.course import course_command
from ruvon.course.article import Article
from ruvon.course.check import check
from ruvon.course.reviewed import accept
from ruvon.course.reviewed import meaning
from ruvon.course.reviewed import written
from ruvon.course.sync import sync
from ruvon.errors import RuvonError

SECTIONS = """## One

`Adder` and `Adder.add(1, 2)` add, `TABLE` counts.

## Two

```python parts/01/demo.py main
def main():
    return 1
```
"""
DEMO = "def main():\n    return 1\n"


def faults(tree, part=None):
    return [
        f"{tree.open().name(fault.path)}:{fault.line}: {fault.what}; {fault.way_out}"
        for fault in check(tree.open(), part, run=False)
        if not fault.warning
    ]


def changed(tree, part=None):
    return [
        (tree.open().name(change.page), change.heading, change.symbol, change.what)
        for change in accept(tree.open(), part)
    ]


@pytest.fixture
def read(tree):
    """A course that somebody has read."""
    tree.write("parts/01/demo.py", DEMO)
    tree.article(SECTIONS)
    sync(tree.open(), run=False)
    accept(tree.open())
    return tree


def replace(tree, name, old, new):
    text = tree.text(name)
    assert old in text
    tree.write(name, text.replace(old, new))


def test_what_was_accepted_stands_in_a_file_that_can_be_read(read):
    assert faults(read) == []
    record = tomllib.loads(read.text("parts/01/reviewed.toml"))
    assert {heading: sorted(symbols) for heading, symbols in record["README.md"].items()} == {
        "Sums": ["ruvon/sums.py Adder.add @1"],
        "One": [
            "ruvon/sums.py Adder @1",
            "ruvon/sums.py Adder.add @1",
            "ruvon/sums.py TABLE @1",
        ],
        "Two": ["parts/01/demo.py main"],
    }
    assert not (read.root / "parts/02/reviewed.toml").exists()
    assert not (read.root / "docs/reviewed.toml").exists()


def test_nobody_has_accepted_a_new_article(tree):
    tree.article(SECTIONS)
    tree.write("parts/01/demo.py", DEMO)
    sync(tree.open(), run=False)
    found = faults(tree)
    assert len(found) == 5
    line = tree.text().splitlines().index("`Adder` and `Adder.add(1, 2)` add, `TABLE` counts.") + 1
    assert (
        f"parts/01/README.md:{line}: 'One' cites ruvon/sums.py TABLE @1, and nobody has accepted "
        "that yet; read the section again, then run `ruvon course accept --part 1`"
    ) in found


def test_a_changed_statement_fails_wherever_its_symbol_is_cited(read):
    replace(read, "ruvon/sums.py", "return a + b", "return a - b")
    sync(read.open(), run=False)
    found = faults(read)
    cited = [re.search(r"'(.*)' cites ruvon/sums.py (\S+) @1, whose", text) for text in found]
    assert sorted(match.groups() for match in cited) == [
        ("One", "Adder"),
        ("One", "Adder.add"),
        ("Sums", "Adder.add"),
    ]
    assert "meaning changed since it was last read; read the section again" in found[0]
    assert {what for *_, what in changed(read)} == {"changed"}
    assert faults(read) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""The sum."""', '"""Another sum."""'),
        ('"""It adds."""', '"""It adds, and more."""'),
        ("        return a + b", "        # why\n        return a + b  # so"),
        ("def add(self, a, b):", "def add(\n        self,\n        a,\n        b,\n    ):"),
        ("return a + b", "return (a + b)"),
        ('    "sub": 2,  # part 2', '    "sub": 3,  # part 2'),
        ("            return b", "            return a"),  # under a tag of part 2
        ("import math", "import math\nimport cmath"),
    ],
)
def test_what_does_not_change_the_meaning(read, old, new):
    replace(read, "ruvon/sums.py", old, new)
    sync(read.open(), run=False)
    assert faults(read) == []


def test_code_outside_of_the_package_is_held_too(read):
    replace(read, "parts/01/demo.py", "return 1", "return 2")
    sync(read.open(), run=False)
    (found,) = faults(read)
    assert "'Two' cites parts/01/demo.py main, whose meaning changed" in found


def test_a_citation_that_is_gone_or_moved_is_a_fault(read):
    replace(read, "parts/01/README.md", ", `TABLE` counts", "")
    (found,) = faults(read)
    assert re.search(r"README.md:\d+: 'One' cites ruvon/sums.py TABLE @1 no longer", found)
    replace(read, "parts/01/README.md", "## Two", "## Three")
    assert len(faults(read)) == 3
    assert changed(read) == [
        ("parts/01/README.md", "One", "ruvon/sums.py TABLE @1", "no longer cited"),
        ("parts/01/README.md", "Three", "parts/01/demo.py main", "new"),
        ("parts/01/README.md", "Two", "parts/01/demo.py main", "no longer cited"),
    ]
    assert faults(read) == []
    assert accept(read.open()) == []


@pytest.mark.parametrize(
    "code",
    [
        "add",  # Adder.add and Other.add
        "gone",
        "Adder.gone",
        "TABLE[0]",
        "sums.Adder",
        "later",  # of part 2
        "Tool",  # of the course
    ],
)
def test_code_that_names_no_symbol_of_the_stage_exactly(tree, code):
    tree.write(
        "ruvon/other.py",
        '"""Part 1 · Other."""\n\n\nclass Other:\n    def add(self):\n        return 1\n\n\n'
        "def later():  # part 2\n    return 2\n",
    )
    tree.write("ruvon/course/__init__.py", '"""Part 00 · Tools."""\n')
    tree.write("ruvon/course/tool.py", '"""Part 00 · A tool."""\n\n\nclass Tool:\n    pass\n')
    tree.article(f"`{code}`", part=1)
    sync(tree.open(), run=False)
    assert [symbol for *_, symbol, _ in changed(tree)] == ["ruvon/sums.py Adder.add @1"]


def test_code_in_comments_and_in_the_head_cites_nothing(tree):
    tree.article("<!-- `TABLE` -->\n\n`<!-- TABLE -->`")
    replace(tree, "parts/01/README.md", "<!-- head -->\n", "<!-- head -->\n`TABLE`\n")
    assert [symbol for *_, symbol, _ in changed(tree)] == ["ruvon/sums.py Adder.add @1"]


def test_pages_of_no_part_cite_by_fences_and_have_a_record_of_their_own(tree):
    tree.article()
    page = "# P\n\n`TABLE`\n\n```python ruvon/sums.py TABLE @2\n```\n"
    tree.write("docs/page.md", page)
    sync(tree.open(), run=False)
    assert ("docs/page.md", "P", "ruvon/sums.py TABLE @2", "new") in changed(tree)
    assert faults(tree) == []
    replace(tree, "ruvon/sums.py", '"sub": 2', '"sub": 3')
    sync(tree.open(), run=False)
    (found,) = faults(tree)
    assert found.endswith("read the section again, then run `ruvon course accept`")
    (tree.root / "docs/page.md").unlink()
    (found,) = faults(tree)
    assert "docs/reviewed.toml:1: page.md is not there" in found
    assert [what for *_, what in changed(tree)] == ["no longer cited"]
    assert not (tree.root / "docs/reviewed.toml").exists()


def test_one_part_is_accepted_and_the_others_are_not(read):
    read.write("parts/02/README.md", read.text("parts/02/README.md") + "\n`Adder`\n")
    assert len(faults(read)) == 1
    assert changed(read, part=1) == []
    assert len(faults(read)) == 1
    assert len(changed(read, part=2)) == 1
    assert faults(read) == []


def test_an_exercise_is_read_too(read):
    read.write("parts/01/exercises/sum/README.md", "# A sum\n\nWrite `Adder.add`.\n")
    (found,) = faults(read)
    assert "parts/01/exercises/sum/README.md:3: 'A sum' cites ruvon/sums.py Adder.add" in found
    accept(read.open(), 1)
    assert faults(read) == []
    assert '["exercises/sum/README.md"."A sum"]' in read.text("parts/01/reviewed.toml")


@pytest.mark.parametrize("text", ["[[", "a = 1", '["README.md"]\na = 1'])
def test_a_record_that_cannot_be_read(read, text):
    read.write("parts/01/reviewed.toml", text)
    assert all("parts/01/reviewed.toml:1: reviewed.toml cannot be read" in t for t in faults(read))
    with pytest.raises(RuvonError, match="cannot be read"):
        accept(read.open())


def test_headings_of_any_kind_are_keys():
    heading = 'A "quoted" \\ · é\t.'
    record = {"README.md": {heading: {"a b": "1"}, "": {"c": "2"}}}
    text = written(record)
    assert tomllib.loads(text) == record
    assert text == written(tomllib.loads(text))


def test_a_meaning_is_the_same_in_every_version_of_python():
    source = (
        "class A(B):\n    x: int = None\n\n    def f(self, *, y=1.5):\n        return f'{y!r}'\n"
    )
    assert meaning(source, "A") == "775d182b64"
    assert meaning("x = None", "x") != meaning("x = []", "x") != meaning("x = ()", "x")
    with pytest.raises(RuvonError, match="no `g` among x, f"):
        meaning(source, "A.g")


def test_inline_code_keeps_its_place(tmp_path):
    page = Article(tmp_path / "a.md", "é `x` ``y `z` `` <!-- `no` -->\n```text\n`no`\n```\n")
    assert [(page.text[at], text) for at, text in page.codes] == [("`", "x"), ("`", "y `z`")]


def test_the_command_names_what_it_accepts(read, monkeypatch):
    app = typer.Typer()
    app.callback()(lambda: None)
    course_command.register(app)
    monkeypatch.setattr(course_command, "_open", lambda part: read.open())
    replace(read, "ruvon/sums.py", '"add": 1', '"add": 4')
    said = CliRunner().invoke(app, ["course", "accept", "--part", "1"])
    assert said.exit_code == 0, said.output
    assert said.output == (
        "parts/01/README.md, 'One': ruvon/sums.py TABLE @1: changed\n1 citation accepted\n"
    )
    said = CliRunner().invoke(app, ["course", "accept"])
    assert said.output == "nothing to accept\n"
