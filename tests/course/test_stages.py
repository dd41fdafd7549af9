"""Stages of a small package: written out, compared, run, and put in place of the newest one."""

import os
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ruvon.course import command
from ruvon.course.later import later_uses
from ruvon.course.stages import StageError
from ruvon.course.stages import difference
from ruvon.course.stages import stage_files
from ruvon.course.stages import stage_hash
from ruvon.course.stages import write_stage
from ruvon.errors import RuvonError

HEAD = Path(__file__).parents[2]

FILES = {
    "ruvon/__init__.py": '"""Part 1 · Sums."""\n\nSTAGE = [\n    1,\n    2,  # part 2\n    3,  # part 3\n]\n',
    "ruvon/py.typed": "",
    "ruvon/sums.py": (
        '"""Part 1 · Adding."""\n\n\n'
        "def add(a, b):\n"
        "    if a is None:  # part 2\n"
        "        return b\n"
        "    return a + b\n\n\n"
        "# Since the third.\n"
        "def double(a):  # part 3\n"
        "    return add(a, a)\n\n\n"
        "def neg(a):\n"
        "    return -a\n"
    ),
    "ruvon/late/__init__.py": '"""Part 3 · What comes late."""\n',
    "ruvon/late/table.csv": "a,b\n",
    "ruvon/late/deep/data.bin": b"\xff\x00",
    "ruvon/late/tool.py": '"""Part 00 · A tool in a late room."""\n',
    "ruvon/course/__init__.py": '"""Part 00 · Tools."""\n\nA = 1  # part 2\n',
    "ruvon/zoo/__init__.py": '"""Part 1 · The models that ship."""\n',
    "ruvon/zoo/card.md": "# A card\n",
    "ruvon/zoo/story/config.json": "{}",
    "ruvon/zoo/story/model.safetensors": b"\x00",
    "ruvon/sums.safetensors": b"\x00",
    "ruvon/__pycache__/sums.pyc": b"\x00",
    "ruvon/.hidden": "",
    "tests/parts/01/test_sums.py": "",
    "tests/parts/02/test_sums.py": "",
    "tests/parts/03/test_sums.py": "",
}

MANIFEST = """\
[[part]]
number = {number}
slug = "part-{number}"
title = "Title {number}"
phase = 1
what = "What {number} brings."
needs = []
status = "{status}"
minutes = 5
budget = 5
notebook = "notebooks/{number:02}.ipynb"
terms = ["term {number}"]
"""

DEMO = """\
import os
import sys
import ruvon
from ruvon_check import check_expected
print("stage", max(ruvon.STAGE), os.getcwd())
check_expected({"stage": max(ruvon.STAGE)})
"""


class Checkout:
    def __init__(self, root):
        self.root = root
        for name, content in FILES.items():
            self.write(name, content)
        for number in (1, 2, 3):
            # The small package has no course of its own: the demo takes the checker from the head.
            self.write(f"parts/{number:02}/demo.py", DEMO)
            self.write(f"parts/{number:02}/expected.toml", f"stage = {number}\n")
        entries = [(1, "landed"), (2, "landed"), (3, "landed"), (4, "planned")]
        text = "\n".join(MANIFEST.format(number=n, status=status) for n, status in entries)
        self.write("parts/parts.toml", text)

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def names(self, stage):
        return {name.removeprefix("ruvon/") for name in stage_files(stage, self.root)}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A checkout with a package of three stages; RUVON_CHECKOUT names it."""
    checkout = Checkout(tmp_path / "checkout")
    monkeypatch.setenv("RUVON_CHECKOUT", str(checkout.root))
    return checkout


# What a stage holds

ALWAYS = {"__init__.py", "py.typed", "sums.py", "zoo/__init__.py", "zoo/card.md"}
TOOLS = {"course/__init__.py", "late/tool.py"}
LATE = {"late/__init__.py", "late/table.csv", "late/deep/data.bin"}


def test_a_stage_holds_the_files_of_its_parts_and_no_weights(small):
    assert small.names(1) == small.names(2) == ALWAYS | TOOLS
    assert small.names(3) == ALWAYS | TOOLS | LATE


def test_a_room_is_not_written_before_its_first_module(small, tmp_path):
    (small.root / "ruvon/late/tool.py").unlink()
    assert write_stage(2, tmp_path / "two", small.root) == 4
    assert not (tmp_path / "two/ruvon/late").exists()
    assert write_stage(3, tmp_path / "three", small.root) == 5
    assert (tmp_path / "three/ruvon/late/deep/data.bin").read_bytes() == b"\xff\x00"


def test_the_last_stage_is_the_package_byte_for_byte(small):
    for name, content in stage_files(3, small.root).items():
        assert content == (small.root / name).read_bytes(), name


def test_a_clean_stage_has_no_tags(small):
    clean = stage_files(3, small.root, clean=True)
    assert clean["ruvon/__init__.py"].decode().endswith("STAGE = [\n    1,\n    2,\n    3,\n]\n")
    assert not any(b"# part" in content for content in clean.values())


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("ruvon/sums.py", "a = 1\n", r"ruvon/sums\.py:1: the module does not say which part"),
        ("ruvon/room/a.py", '"""Part 1 · A."""\n', r"ruvon/room/a\.py: its folder has no __init__"),
        (
            "ruvon/late/a.py",
            '"""Part 2 · A."""\n',
            r"ruvon/late/a\.py: brought by part 2, into a package that part 3 brings; let .* part 2",
        ),
    ],
)
def test_a_package_without_stages_is_refused(small, name, content, problem):
    small.write(name, content)
    with pytest.raises(RuvonError, match=problem):
        stage_files(3, small.root)


def test_nothing_is_overwritten(small, tmp_path):
    write_stage(1, tmp_path / "out", small.root)
    with pytest.raises(StageError, match="exists already"):
        write_stage(2, tmp_path / "out", small.root)
    with pytest.raises(StageError, match="lies in the package itself"):
        write_stage(1, small.root / "ruvon" / "late", small.root)


# Differences


@pytest.mark.parametrize(("old", "new"), [(0, 1), (1, 2), (2, 3), (1, 3)])
def test_a_patch_turns_one_stage_into_the_other(small, tmp_path, old, new):
    """`patch` of the difference, over the clean earlier stage, gives the clean later one."""
    (small.root / "ruvon/late/deep/data.bin").unlink()
    write_stage(old, tmp_path / "old", small.root, clean=True)
    write_stage(new, tmp_path / "new", small.root, clean=True)
    patch = "\n".join(difference(old, new, small.root).text) + "\n"
    done = subprocess.run(
        ["git", "apply", "--unsafe-paths", "-p1", "-"],
        input=patch.encode(),
        cwd=tmp_path / "old",
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode() + patch
    for path in (tmp_path / "new/ruvon").rglob("*.py"):
        name = path.relative_to(tmp_path / "new")
        tool = name.as_posix().removeprefix("ruvon/") in TOOLS
        assert tool or (tmp_path / "old" / name).read_bytes() == path.read_bytes(), name


def test_a_difference_counts_modules_and_lines_without_the_tools(small):
    first, second, third = (difference(n, n + 1, small.root) for n in range(3))
    assert first.new_modules == ("ruvon/__init__.py", "ruvon/sums.py", "ruvon/zoo/__init__.py")
    assert (second.new_modules, second.added, second.removed) == ((), 3, 0)
    assert third.new_modules == ("ruvon/late/__init__.py",)
    # The room's docstring, the entry, and the function with its comment and two blank lines.
    assert (third.added, third.removed) == (1 + 1 + 5, 0)
    assert (
        second.text[-9:]
        == (
            "@@ -2,3 +2,5 @@",
            " ",
            " ",
            " def add(a, b):",
            "+    if a is None:",
            "+        return b",
            "     return a + b",
            " ",
            " ",
        )[-9:]
        or second.text
    )


# The hash


def test_the_hash_follows_what_the_stage_and_its_tests_hold(small):
    names = [
        "ruvon/sums.py",
        "tests/parts/02/test_sums.py",
        "ruvon/zoo/story/model.safetensors",
        "tests/conftest.py",
    ]
    seen = {stage_hash(2, small.root)}
    for count, name in enumerate(names, 2):
        path = small.root / name
        small.write(name, (path.read_bytes() if path.exists() else b"") + b"# more\n")
        seen.add(stage_hash(2, small.root))
        assert len(seen) == count, name
    small.write("tests/parts/03/test_sums.py", "# more\n")
    small.write("ruvon/late/__init__.py", FILES["ruvon/late/__init__.py"] + "\nB = 1\n")
    assert stage_hash(2, small.root) in seen
    assert stage_hash(2, small.root) != stage_hash(3, small.root)


# What a module takes from later parts


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("import ruvon.late", "ruvon.late, which part 3 brings"),
        ("import ruvon.late  # part 2", "ruvon.late, which part 3 brings"),
        ("from ruvon import late", "ruvon.late, which part 3 brings"),
        ("from . import late", "ruvon.late, which part 3 brings"),
        ("from .late import tool  # part 2", "ruvon.late, which part 3 brings"),
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


# The command


@pytest.fixture
def stage():
    """Runs `ruvon stage ...` in this process. -> what it printed; errors are raised."""
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)

    def run(*words):
        result = CliRunner().invoke(app, ["stage", *map(str, words)], env={"COLUMNS": "200"})
        if isinstance(result.exception, RuvonError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_the_command_lists_and_compares(small, stage):
    rows = [row.split() for row in stage("list").splitlines()]
    assert rows[2] == ["02", "0", "3", "Title", "2"]
    assert rows[4] == ["04", "planned", "Title", "4"]
    shown = stage("diff", 2, 3)
    assert "+def double(a):" in shown and "-def" not in shown and "# part" not in shown
    assert "stage 2 to stage 3: 1 new module, 7 lines added, 0 removed" in shown
    assert "stage 0 to stage 1: 3 new modules" in stage("diff", 0, 1)


def test_the_command_writes_and_loses_nothing(small, stage, tmp_path):
    out = tmp_path / "out"
    assert "5 modules" not in stage(2, out)
    with pytest.raises(RuvonError, match="is not empty; name another folder, or add --force"):
        stage(3, out)
    (out / "ruvon/mine.py").write_text("mine")
    assert "ruvon.old1" in stage(3, out, "--force", "--clean")
    assert (out / "ruvon.old1/mine.py").read_text() == "mine"
    assert b"# part" not in (out / "ruvon/sums.py").read_bytes()
    assert "ruvon.old2" in stage(3, out, "--force")
    assert b"# part 3" in (out / "ruvon/sums.py").read_bytes()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((4, "out"), "there is no stage 4; there are: 1, 2, 3"),
        ((0, "out"), "there is no stage 0; there are: 1, 2, 3"),
        (("two", "out"), "'two' is not the number of a stage"),
        ((2,), "write: ruvon stage NN DIR"),
        (("list", 2), "write: ruvon stage NN DIR"),
        (("diff", 2), "write: ruvon stage NN DIR"),
        (("diff", 2, 9), "there is no stage 9"),
        (("diff", 3, 2), "the earlier stage first: ruvon stage diff 2 3"),
        (("diff", 2, 2), "the earlier stage first"),
    ],
)
def test_the_command_refuses(small, stage, words, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuvonError, match=problem):
        stage(*words)
    assert not (tmp_path / "out").exists()


def test_the_command_never_touches_the_package(small, stage):
    for folder in (small.root, small.root / "ruvon" / "late"):
        with pytest.raises(RuvonError, match="the package itself"):
            stage(1, folder, "--force")
    file = small.write("file", "")
    with pytest.raises(RuvonError, match="is a file"):
        stage(1, file)
    assert (small.root / "ruvon/sums.py").exists()
