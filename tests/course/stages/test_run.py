"""A demo runs against its own stage, in a fresh process, and says so when it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ruvon.course import alone
from ruvon.course.run import GUARD
from ruvon.course.run import main
from ruvon.course.run import run_part
from ruvon.course.run import stage_environment
from ruvon.course.stages import write_stage
from ruvon.errors import RuvonError

HEAD = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_demo_runs_against_its_stage(small, number, capfd):
    assert run_part(number) == 0
    said = capfd.readouterr().out
    assert f"Part {number}: Title {number}. Stage 0{number}: " in said
    assert f"stage {number} [] {small.root}/ruvon/zoo\n" in said
    assert "expected.toml: all 2 values reproduced" in said


def test_what_differs_is_shown_and_fails(small, capfd):
    small.write("parts/02/expected.toml", "stage = 3\nids = [1, 3]\nmore = 1\n")
    assert run_part(2) == 1
    said = capfd.readouterr().out
    assert "stage: 2 instead of 3" in said
    assert "ids: entry 1 is 2 instead of 3" in said
    assert "more: expected, and not computed here" in said


def test_a_missing_file_fails(small, capfd):
    (small.root / "parts/02/expected.toml").unlink()
    assert run_part(2) == 1
    assert "RUVON_UPDATE_EXPECTED=1 writes it" in capfd.readouterr().out


def test_the_file_is_written_on_request(small, monkeypatch):
    (small.root / "parts/02/expected.toml").unlink()
    monkeypatch.setenv("RUVON_UPDATE_EXPECTED", "1")
    assert run_part(2) == 0
    assert (small.root / "parts/02/expected.toml").read_text() == "stage = 2\nids = [1, 2]\n"
    monkeypatch.delenv("RUVON_UPDATE_EXPECTED")
    assert run_part(2) == 0


@pytest.mark.parametrize("demo", ["print('hello')\n", "import ruvon.late\n", "1 / 0\n"])
def test_a_demo_that_shows_nothing_fails(small, demo, capfd):
    small.write("parts/02/demo.py", demo)
    if demo.startswith("print"):
        with pytest.raises(RuvonError, match=r"parts/02/demo\.py compared nothing"):
            run_part(2)
    else:
        assert run_part(2) == 1
        assert "Error" in capfd.readouterr().err


def test_the_newest_package_is_not_taken_for_the_stage(small, tmp_path):
    """The fault this guards against: a working directory, or a path, with another `ruvon`."""
    stage = tmp_path / "stage"
    write_stage(2, stage, small.root)
    script = small.write("script.py", "import ruvon\nprint(ruvon.__file__)\n")

    def run(path):
        return subprocess.run(
            [sys.executable, "-P", "-c", GUARD, str(stage), str(script)],
            cwd=small.root,
            env={**stage_environment(stage, small.root), "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )

    good = run(f"{stage}{os.pathsep}{small.root}")
    assert good.stdout == f"{stage}/ruvon/__init__.py\n", good.stderr
    bad = run(f"{small.root}{os.pathsep}{stage}")
    assert bad.returncode == 1 and not bad.stdout
    assert f"ruvon is {small.root}/ruvon/__init__.py, and not the stage" in bad.stderr


EDITABLE = """
import sys
from importlib.util import spec_from_file_location
from pathlib import Path

class Finder:
    def find_spec(name, path=None, target=None):
        place = Path(ROOT, *name.split("."))
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if name.startswith("ruvon") and file.exists():
                return spec_from_file_location(name, file)

sys.meta_path.append(Finder)
"""


@pytest.mark.parametrize("how", ["-c", "script"])
def test_an_editable_install_does_not_fill_a_gap(small, tmp_path, how):
    """What `pip install -e` leaves behind would find a later part's module at the head."""
    stage, site = tmp_path / "stage", tmp_path / "site"
    write_stage(2, stage, small.root)
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"ROOT = {str(small.root)!r}\n{EDITABLE}")
    code = "import ruvon.late\nprint(ruvon.late.__file__)\n"
    script = small.write("script.py", code)
    target = ["-c", code] if how == "-c" else [str(script)]
    environment = stage_environment(stage, small.root)
    environment["PYTHONPATH"] += f"{os.pathsep}{site}"

    def run(*arguments):
        command = [sys.executable, "-P", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    assert run(*target).stdout == f"{small.root}/ruvon/late/__init__.py\n"
    done = run(alone.__file__, str(stage), *target)
    assert done.returncode == 1 and "No module named 'ruvon.late'" in done.stderr
    module = run(alone.__file__, str(stage), "-m", "platform", "--terse")
    assert module.returncode == 0 and module.stdout


def test_what_was_on_the_path_stays_behind_the_stage(small, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    assert stage_environment(Path("/stage"), small.root)["PYTHONPATH"] == "/stage:/mine"
    monkeypatch.delenv("PYTHONPATH")
    assert stage_environment(Path("/stage"), small.root)["PYTHONPATH"] == "/stage"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["4"], "there is no stage 4; there are: 1, 2, 3"),
        (["x"], "name a part by its number: make part-03"),
        ([], "name a part by its number"),
    ],
)
def test_a_wrong_number_is_one_line(small, words, problem, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run", *words])
    with pytest.raises(SystemExit, match=f"^error: {problem}"):
        main()


USE = """
import os, subprocess, sys
from importlib.util import find_spec
from pathlib import Path
before = list(sys.path)
from ruvon.course import use
from ruvon.errors import RuvonError
for stage in (1, 2, 1):
    use(stage)
    import ruvon
    assert Path(ruvon.__file__).is_relative_to(sys.path[0]), ruvon.__file__
    assert (find_spec("ruvon.engine") is None) == (stage == 1), stage
    assert sys.path[1:] == before
    shell = [sys.executable, "-P", "-c", "import ruvon; print(ruvon.__file__)"]
    there = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.strip()
    assert there == ruvon.__file__, there
    # A notebook may import it anew, from the stage.
    from ruvon.course import use
assert Path(os.environ["RUVON_ZOO"]) == Path(sys.argv[1]) / "ruvon" / "zoo"
try:
    use(99)
except Exception as error:
    print(error)
"""


def test_use_puts_a_stage_in_place_of_the_package(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUVON_")}
    done = subprocess.run(
        [sys.executable, "-c", USE, str(HEAD)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(HEAD), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert lines == [f"ruvon is now stage 0{stage}" for stage in (1, 2, 1)]
    assert last.startswith("there is no stage 99; there are: 1, 2")
    # The stages are gone with the process.
    assert not list(tmp_path.iterdir())
