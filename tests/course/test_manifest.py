"""The manifest: what it says of the course, and what it may not say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ruvon.course.manifest import ManifestError
from ruvon.course.manifest import checkout
from ruvon.course.manifest import find_landed
from ruvon.course.manifest import landed
from ruvon.course.manifest import load_manifest

HEAD = Path(__file__).parents[2]


@pytest.fixture
def manifest(tmp_path):
    """Writes parts/parts.toml of three parts, the first landed, with text replaced. -> its path."""

    def write(old="", new=""):
        tables = []
        for number, status in ((1, "landed"), (2, "planned"), (3, "planned")):
            tables.append(
                f'[[part]]\nnumber = {number}\nslug = "part-{number}"\ntitle = "Title {number}"\n'
                f'phase = 1\nwhat = "What {number} brings."\nneeds = [{number - 1 or ""}]\n'
                f'status = "{status}"\nminutes = 5\nbudget = 5\nnotebook = "{number}.ipynb"\n'
                f'terms = ["term {number}"]\n'
            )
        text = "\n".join([*tables, '[[later]]\nnumber = 4\ntitle = "Later"\n'])
        assert old in text
        path = tmp_path / "parts" / "parts.toml"
        (path.parent / "01").mkdir(parents=True, exist_ok=True)
        (path.parent / "01" / "demo.py").touch()
        (tmp_path / "tests" / "parts" / "01").mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        return path

    return write


def test_a_manifest_is_read(manifest):
    first, second, _ = load_manifest(manifest())
    assert (first.number, first.folder, first.status, first.terms) == (
        1,
        "01",
        "landed",
        ("term 1",),
    )
    assert (second.needs, second.phase) == ((1,), 1)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("number = 2", "number = 1", r"numbered \[1, 1, 3, 4\]; count up from 1, none twice"),
        ("number = 4", "number = 5", r"numbered \[1, 2, 3, 5\]"),
        ("needs = [2]", "needs = [7]", r"part 3 needs \[7\], which is not before it"),
        ("needs = [2]", "needs = [3]", r"part 3 needs \[3\], which is not before it"),
        ("needs = [2]", "needs = 2", "part 3: needs is 2, and has to be a list of int"),
        ("needs = [2]", 'needs = ["2"]', r"part 3: needs is \('2',\), and has to be a list of int"),
        ("phase = 1", 'phase = "1"', "part 1: phase is '1', and has to be int"),
        ("phase = 1", "phase = 5", "part 1: phase 5 is not one of"),
        ('title = "Title 2"', "title = 2", "part 2: title is 2, and has to be str"),
        ('title = "Title 2"\n', "", "part 2: title is missing"),
        ("number = 2\n", "", r"part \?: number is missing"),
        ("budget = 5", "budgte = 5", "part 1: unknown budgte; known: .*budget"),
        ('status = "planned"', 'status = "done"', "part 2: status 'done' is not one of landed, be"),
        ("term 2", "term 1", "part 2 introduces 'term 1', and so does part 1"),
        ('slug = "part-3"', 'slug = "part-2"', "part 3 is called 'part-2', and so does part 2"),
        ('status = "planned"', 'status = "landed"', "part 2 has landed without parts/02/demo.py"),
        ('terms = ["term 1"]', "terms = []", "part 1 has landed: say its notebook, minutes"),
        (
            'terms = ["term 1"]',
            'terms = ["term 1"]\neveryday = ["term"]',
            r"part 1: everyday has \['term'\], and terms has not",
        ),
        ("[[part]]", "[part", r"parts\.toml: "),
    ],
)
def test_what_a_manifest_may_not_say(manifest, old, new, problem):
    with pytest.raises(ManifestError, match=problem):
        load_manifest(manifest(old, new))


def test_what_has_landed_is_there(manifest, tmp_path):
    path = manifest()
    (tmp_path / "tests/parts/01").rmdir()
    with pytest.raises(ManifestError, match="part 1 has landed without tests/parts/01"):
        load_manifest(path)


def test_a_part_lands_after_what_it_needs(manifest, tmp_path):
    path = manifest()
    head, middle, last = path.read_text().split('status = "planned"')
    path.write_text(f'{head}status = "planned"{middle}status = "landed"{last}')
    (tmp_path / "parts/03").mkdir()
    (tmp_path / "parts/03/demo.py").touch()
    (tmp_path / "tests/parts/03").mkdir()
    with pytest.raises(ManifestError, match=r"part 3 has landed before \[2\], which it needs"):
        load_manifest(path)


def test_the_course(monkeypatch):
    monkeypatch.delenv("RUVON_CHECKOUT", raising=False)
    assert checkout() == HEAD
    parts = load_manifest()
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert len(landed()) >= 3
    for part in landed():
        assert part.notebook == f"notebooks/{part.folder}-{part.slug}.ipynb"


def test_a_number_that_is_not_here(manifest, monkeypatch, tmp_path):
    manifest()
    monkeypatch.setenv("RUVON_CHECKOUT", str(tmp_path))
    assert find_landed(1).title == "Title 1"
    for number in (0, 2, 99):
        with pytest.raises(ManifestError, match=f"there is no stage {number}; there are: 1$"):
            find_landed(number)


def test_a_package_without_its_checkout_says_so(tmp_path):
    folder = tmp_path / "ruvon" / "course"
    folder.mkdir(parents=True)
    for name in ("errors.py", "course/manifest.py"):
        (tmp_path / "ruvon" / name).write_bytes((HEAD / "ruvon" / name).read_bytes())
    code = "from ruvon.course.manifest import checkout; checkout()"

    def run(**variables):
        environment = {k: v for k, v in os.environ.items() if k != "RUVON_CHECKOUT"}
        environment |= {"PYTHONPATH": str(tmp_path), **variables}
        command = [sys.executable, "-P", "-S", "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True).stderr

    assert "the course needs a checkout of the repository, with parts/parts.toml" in run()
    assert "there is no parts/parts.toml in it" in run(RUVON_CHECKOUT=str(tmp_path))
    assert run(RUVON_CHECKOUT=str(HEAD)) == ""
