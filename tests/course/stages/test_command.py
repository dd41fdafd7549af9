"""`ruvon stage`: lists, compares, writes, refuses, and loses nothing."""

import pytest
import typer
from typer.testing import CliRunner

from ruvon.course import command
from ruvon.errors import RuvonError


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
    assert "stage 0 to stage 1: 4 new modules" in stage("diff", 0, 1)


def test_the_command_writes_and_loses_nothing(small, stage, tmp_path):
    out = tmp_path / "out"
    assert "6 modules" in stage(2, out)
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
