"""A learner's folder: nothing of the learner's is lost, and nothing is written elsewhere."""

import json
import random
from itertools import combinations

import pytest

from ruvon.course import source
from ruvon.course.exercise import all_exercises
from ruvon.course.exercise import find_exercise
from ruvon.course.manifest import checkout
from ruvon.learn.folder import Folder
from ruvon.learn.folder import FolderError

EXERCISES = all_exercises(checkout())
FIRST = EXERCISES[0]


@pytest.fixture
def folder(tmp_path):
    return Folder.create(tmp_path / "learning")


def versions(folder):
    """Every text that is in the folder, backups and all."""
    return {p.read_bytes() for p in folder.path.rglob("*") if p.is_file()}


def test_an_opened_exercise_is_the_stage_with_a_hole(folder):
    folder.open(FIRST)
    text = folder.file(FIRST).read_text()
    assert "exercise 1.1: write this body" in text
    assert source.put(text, FIRST.symbols, FIRST.solution) == FIRST.original
    assert Folder(folder.path).state.current == "1.1"


def test_opening_again_changes_nothing(folder):
    folder.open(FIRST)
    folder.file(FIRST).write_text("# mine\n")
    folder.open(FIRST)
    assert folder.file(FIRST).read_text() == "# mine\n"


def test_the_second_exercise_of_a_file_leaves_the_first_one_alone(folder):
    """Both symbols are in one module, and the learner's answer stays while the next hole comes."""
    here = [e for e in EXERCISES if e.in_package]
    one, two = next(
        (a, b) for a, b in combinations(here, 2) if (a.part, a.file) == (b.part, b.file)
    )
    assert set(one.symbols).isdisjoint(two.symbols)
    folder.open(one)
    answered = source.put(folder.file(one).read_text(), one.symbols, one.solution)
    mine = answered.replace('"""', '"""Mine: ', 1)
    folder.file(one).write_text(mine)
    folder.open(two)
    text = folder.file(two).read_text()
    assert source.excerpt(text, one.symbols) == one.solution
    assert source.excerpt(text, two.symbols) == two.starter
    assert '"""Mine: ' in text
    assert mine.encode() in versions(folder)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_done_every_saved_version_is_kept(folder, seed):
    """Commands and edits in any order: a text that a command replaces is in the backups."""
    chance = random.Random(seed)
    some = chance.sample(EXERCISES, 4)
    for step in range(30):
        exercise = chance.choice(some)
        before = versions(folder)
        state = (folder.path / "learn.json").read_bytes()
        act = chance.choice(["open", "reset", "reset the file", "edit", "break", "delete"])
        if act == "open" or not folder.progress(exercise).opened:
            try:
                folder.open(exercise)
            except FolderError as error:
                assert f"ruvon learn reset {exercise.name} --file" in str(error)
        elif act == "delete":
            folder.file(exercise).unlink(missing_ok=True)
            continue
        elif act.startswith("reset"):
            try:
                folder.reset(exercise, whole=act.endswith("file"))
            except FolderError:
                assert not act.endswith("file")
        else:
            path = folder.file(exercise)
            old = path.read_text() if path.exists() else ""
            path.write_text(f"{old}# {step}\n" if act == "edit" else f"(\n# {step}\n")
            continue
        gone = before - versions(folder) - {state}
        untouched = {e.original.encode() for e in EXERCISES if e.in_package}
        assert not gone - untouched, (act, exercise.name, gone)
    assert json.loads((folder.path / "learn.json").read_text())["format"] == 1


def test_a_module_that_is_broken_can_be_begun_anew(folder):
    folder.open(FIRST)
    folder.file(FIRST).write_text("def (\n")
    with pytest.raises(FolderError, match=r"gpt2.py: line 1 is no Python.*reset 1.1 --file"):
        folder.reset(FIRST)
    folder.reset(FIRST, whole=True)
    assert "exercise 1.1: write this body" in folder.file(FIRST).read_text()
    assert b"def (\n" in versions(folder)


def test_a_broken_state_is_not_written_over(folder):
    state = folder.path / "learn.json"
    state.write_text('{"format": 1, ')
    with pytest.raises(FolderError, match=r"learn\.json cannot be read .* rename it"):
        Folder.find(folder.path)
    assert state.read_text() == '{"format": 1, '
    state.rename(folder.path / "learn.json.old")
    assert Folder.create(folder.path).state.exercises == {}


def test_a_state_of_another_format_is_refused(folder):
    (folder.path / "learn.json").write_text('{"format": 2, "exercises": {}}')
    with pytest.raises(FolderError, match="has format 2; this Ruvon reads 1"):
        Folder(folder.path)


def test_a_folder_with_other_things_is_not_taken(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FolderError, match="is not empty"):
        Folder.create(tmp_path)
    with pytest.raises(FolderError, match="is a file"):
        Folder.create(tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_it_is_found_from_within_and_from_beside(folder):
    folder.open(FIRST)
    for place in (folder.path, folder.part(1) / "ruvon", folder.path.parent):
        assert Folder.find(place).path == folder.path
    with pytest.raises(FolderError, match="ruvon learn start"):
        Folder.find(folder.path.parent.parent)


def test_what_comes_next_is_the_first_that_has_not_passed_from_here_on(folder):
    for exercise in EXERCISES[:3]:
        folder.progress(exercise).passed = "now"
    assert folder.following(EXERCISES) == EXERCISES[3]
    folder.state.current = EXERCISES[-1].name
    assert folder.following(EXERCISES) == EXERCISES[-1]
    folder.progress(EXERCISES[-1]).passed = "now"
    assert folder.following(EXERCISES) == EXERCISES[3]
    for exercise in EXERCISES:
        folder.progress(exercise).passed = "now"
    assert folder.following(EXERCISES) is None


def test_an_unknown_exercise_hears_of_the_known_ones():
    with pytest.raises(Exception, match=r"no exercise '9\.9'; there are 1\.1, 1\.2"):
        find_exercise(EXERCISES, "9.9")
