"""A learner's session in a real terminal: 60 columns, no color, from start to a passed exercise."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from ruvon.course import source
from ruvon.course.exercise import all_exercises
from ruvon.course.manifest import checkout

COLUMNS = 60
PATIENCE = 60  # seconds until a screen that never comes is given up

FIRST, SECOND = all_exercises(checkout())[:2]
WRONG = FIRST.answers("wrong")[0]


class Terminal:
    """A process on a pseudo-terminal, and what it has printed."""

    def __init__(self, arguments, folder, home):
        self.end, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "FORCE_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ruvon.cli", "learn", *arguments],
            cwd=folder,
            env=kept | {"TERM": "dumb", "NO_COLOR": "1", "HOME": str(home), "TMPDIR": str(home)},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.text = ""

    def read(self):
        """Take what comes. -> whether there may be more."""
        ready, _, _ = select.select([self.end], [], [], PATIENCE)
        assert ready, f"nothing came any more after:\n{self.text}"
        try:
            data = os.read(self.end, 65536)
        except OSError:  # the other end is closed
            data = b""
        self.text += data.decode().replace("\r\n", "\n")
        return bool(data)

    def wait_for(self, words):
        """Read until `words` have been printed; forget what came before."""
        until = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < until and self.read(), f"no {words!r} in:\n{self.text}"
        seen, _, self.text = self.text.partition(words)
        return seen + words

    def type(self, line):
        os.write(self.end, f"{line}\n".encode())

    def finish(self):
        """Read to the end. -> exit code, text."""
        while self.read():
            pass
        os.close(self.end)
        return self.process.wait(), self.text


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the learner is, and the learner's home."""
    root = tmp_path_factory.mktemp("session")
    (root / "work").mkdir()
    (root / "home").mkdir()
    return root


@pytest.fixture(scope="module")
def learn(place):
    def run(*arguments):
        code, text = Terminal(arguments, place / "work", place / "home").finish()
        assert "\x1b" not in text, "an escape code, though there should be no color"
        for line in text.splitlines():
            # An error is one line, which the terminal wraps: it can be copied whole.
            assert len(line) <= COLUMNS or line.startswith("error:"), line
        return code, text

    return run


def answer(place, text, exercise=FIRST):
    """Write an answer into the learner's file."""
    path = place / "work" / "learning" / "part-01" / exercise.file
    path.write_text(source.put(path.read_text(), exercise.symbols, text))


def test_a_session_from_start_to_the_second_exercise(learn, place):
    code, text = learn("check")
    assert code == 1
    assert "make one: ruvon learn start" in flat(text)

    code, text = learn("start")
    assert code == 0
    assert "a check that fails: that is where one starts" in flat(text)
    assert f"1.1 · {FIRST.title}" in text
    edit = re.search(r"Edit +(\S+):(\d+)", text)
    line = (place / "work" / edit[1]).read_text().splitlines()[int(edit[2]) - 1]
    assert line.strip() == 'raise NotImplementedError("exercise 1.1: write this body")'

    code, text = learn("check")
    assert code == 1
    assert "There is still a hole: exercise 1.1." in text

    for number in (1, 2, 3, 3):
        code, text = learn("hint")
        assert text.count("Hint") == number
    assert "--spoil" in text

    answer(place, WRONG.read_text())
    code, text = learn("check")
    assert code == 1
    assert WRONG.read_text().splitlines()[0].removeprefix("# says: ") in flat(text)
    assert "expected" in text or "line" in text

    code, text = learn("solution")
    assert code == 1
    assert "has not passed" in flat(text)

    answer(place, FIRST.solution)
    code, text = learn("check")
    assert code == 0
    assert "1.1 passed" in text
    assert re.search(r"It ran GPT2.__call__ of part-01/\S+ \([0-9a-f]{8}\)", flat(text))

    shown = Terminal(["solution"], place / "work", place / "home").finish()[1]
    assert FIRST.solution in shown, "code is not broken into lines, so that it can be copied"

    code, text = learn("next")
    assert code == 0
    assert f"1.2 · {SECOND.title}" in text

    code, text = learn("check", "1.1")
    assert learn("hint")[1].count("Hint") == 3
    code, text = learn("status")
    assert "2 tries, 3 hints read" not in text
    assert "1.1 ·" in text, "who names an exercise goes on with it"
    learn("next")
    code, text = learn("status")
    assert f"1 of {len(all_exercises(checkout()))} exercises passed" in text
    assert "1.2 ·" in text

    assert "1.2 ·" in learn("start")[1], "without a number it goes on where one was"
    code, text = learn("list")
    assert re.search(r"1\.1 .* passed", text)


def test_watch_checks_again_on_every_save(place, learn):
    learn("reset", "1.1")
    terminal = Terminal(["watch", "1.1"], place / "work", place / "home")
    terminal.wait_for("There is still a hole")
    terminal.wait_for("q end.")
    answer(place, WRONG.read_text())
    terminal.wait_for("1.1 not yet.")
    terminal.wait_for("q end.")
    terminal.type("h")
    terminal.wait_for("Hint 1")
    answer(place, FIRST.solution)
    terminal.wait_for("1.1 passed")
    terminal.wait_for("Enter alone: the next.")
    terminal.type("")
    terminal.wait_for(f"1.2 · {SECOND.title}")
    terminal.wait_for("q end.")
    terminal.type("q")
    assert terminal.finish()[0] == 0


def test_reset_keeps_what_was_there(learn, place):
    answer(place, FIRST.answers("right")[0].read_text())
    code, text = learn("reset", "1.1")
    kept = re.search(r"kept in\s+(\S+\.py)\.", text)
    assert code == 0
    copy = (place / "work" / kept[1]).read_text()
    assert source.excerpt(copy, FIRST.symbols) in FIRST.answers("right")[0].read_text() + "\n"
    assert learn("check", "1.1")[0] == 1


def test_scores_are_what_the_files_say_now(learn, place):
    """Neither a tick in learn.json nor a pass of yesterday earns a point."""
    state = place / "work" / "learning" / "learn.json"
    forged = json.loads(state.read_text())
    forged["exercises"]["1.1"]["passed"] = "2026-01-01T00:00:00"
    state.write_text(json.dumps(forged))
    learn("reset", "1.1")
    rows = export(place)["exercises"]
    assert not rows[0]["passed"]
    answer(place, FIRST.solution)
    scores = export(place, "--name", "Ana")
    assert scores["name"] == "Ana"
    assert scores["exercises"][0]["passed"]
    assert scores["passed"] == 1
    assert scores["exercises"][0]["hints"] == 3
    played = learn("check", "1.1"), learn("check"), export(place)
    tries = [row["exercises"][0]["attempts"] for row in (scores, played[2])]
    assert tries[1] == tries[0] + 1, "until it passes, and no further"


def export(place, *more):
    """The scores, read from a pipe as a class would."""
    command = [sys.executable, "-m", "ruvon.cli", "learn", "export", *more]
    return json.loads(subprocess.check_output(command, cwd=place / "work", text=True))


def test_the_demo_runs_on_the_learners_engine(place):
    """What the learner's own line prints appears in it, and the demo's values are reproduced."""
    answer(place, FIRST.solution.replace("return", "print('mine'); return"))
    command = [sys.executable, "-m", "ruvon.cli", "learn", "demo", "1"]

    def demo():
        environment = {**os.environ, "HOME": str(place / "home")}
        return subprocess.run(
            command,
            cwd=place / "work",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    hole = demo()
    assert hole.returncode == 1
    assert re.fullmatch(r"Still a hole: 1\.2, in learning/part-01/ruvon/\S+\.py:\d+\n", hole.stdout)
    assert "ruvon learn next 1.2" in hole.stderr
    assert "Traceback" not in hole.stderr
    answer(place, SECOND.solution, SECOND)
    whole = demo()
    assert whole.returncode == 0, whole.stderr
    assert "mine" in whole.stdout
    assert "values reproduced" in whole.stdout


def test_nothing_was_written_outside_of_the_folder(place):
    """After all of the above: the learner's home is empty, and beside the folder lies nothing."""
    assert [path.name for path in (place / "work").iterdir()] == ["learning"]
    assert list((place / "home").iterdir()) == []
    inside = {path.name for path in (place / "work" / "learning").iterdir()}
    assert inside == {"learn.json", "part-01", "backups", "passed"}
    assert not list((place / "work").rglob("__pycache__"))


def flat(text):
    """A text with its line breaks taken out, as a narrow terminal puts them anywhere."""
    return " ".join(text.split())
