"""What a stage holds, what one stage has over another, and the hash of a stage."""

import os
import subprocess

import pytest

from ruvon.course.stages import StageError
from ruvon.course.stages import difference
from ruvon.course.stages import stage_files
from ruvon.course.stages import stage_hash
from ruvon.course.stages import write_stage
from ruvon.errors import RuvonError

ALWAYS = {"__init__.py", "errors.py", "py.typed", "sums.py", "zoo/__init__.py", "zoo/card.md"}
TOOLS = {"course/__init__.py", "course/expected.py"}
LATE = {"late/__init__.py", "late/table.csv", "late/deep/data.bin"}


def test_a_stage_holds_the_files_of_its_parts_and_no_weights(small):
    for stage, expected in {1: ALWAYS, 2: ALWAYS, 3: ALWAYS | LATE}.items():
        names = {name.removeprefix("ruvon/") for name in stage_files(stage, small.root)}
        assert names == expected | TOOLS, stage


def test_a_room_is_not_written_before_its_first_module(small, tmp_path):
    assert write_stage(2, tmp_path / "two", small.root) == 6
    assert not (tmp_path / "two/ruvon/late").exists()
    assert write_stage(3, tmp_path / "three", small.root) == 7
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
            r"ruvon/late/a\.py: brought by part 2, into a package that part 3 .*say part 2",
        ),
        ("ruvon/late/a.py", '"""Part 00 · A."""\n', r"into a package that part 3 .*say part 1"),
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
    names = ("__init__.py", "errors.py", "sums.py", "zoo/__init__.py")
    assert first.new_modules == tuple(f"ruvon/{name}" for name in names)
    assert (second.new_modules, second.added, second.removed) == ((), 3, 0)
    assert third.new_modules == ("ruvon/late/__init__.py",)
    # The room's docstring, the entry, and the function with its comment and two blank lines.
    assert (third.added, third.removed) == (1 + 1 + 5, 0)
    new = "--- /dev/null\n+++ new/ruvon/late/table.csv\n@@ -0,0 +1,1 @@\n+a,b\n"
    assert new in "\n".join(third.text)
    assert second.text == (
        "--- old/ruvon/__init__.py",
        "+++ new/ruvon/__init__.py",
        "@@ -2,4 +2,5 @@",
        " ",
        " STAGE = [",
        "     1,",
        "+    2,",
        " ]",
        "--- old/ruvon/sums.py",
        "+++ new/ruvon/sums.py",
        "@@ -2,6 +2,8 @@",
        " ",
        " ",
        " def add(a, b):",
        "+    if a is None:",
        "+        return b",
        "     return a + b",
        " ",
        " ",
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
    small.write("ruvon/late/__init__.py", '"""Part 3 · Changed."""\n')
    assert stage_hash(2, small.root) in seen
    assert stage_hash(2, small.root) != stage_hash(3, small.root)
