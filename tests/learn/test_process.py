"""What is run is the learner's file, under limits, and what it does cannot hurt the check."""

import importlib.util
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from ruvon.course.exercise import Exercise
from ruvon.learn import process as limits

MODULE = "ruvon/thing.py"
RIGHT = "def double(x):\n    return x * 2\n"
CHECK = """
def check(exam):
    from ruvon.thing import double

    for x in (1, 2, 3):
        with exam.case(f"double({x})"):
            exam.equal(double(x), x + x, lambda x=x: {"It gave back what it got.": x})
"""


@pytest.fixture
def part(tmp_path):
    """A learner's part with a package of two modules."""
    package = tmp_path / "part-01" / "ruvon"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "other.py").write_text(RIGHT)
    return tmp_path / "part-01"


@pytest.fixture
def exercise(tmp_path):
    folder = tmp_path / "exercises" / "1-double"
    folder.mkdir(parents=True)
    (folder / "check.py").write_text(CHECK)
    hints = ("a", "b", "c")
    return Exercise(1, 1, folder, "Double", "fill in", 5, hints, MODULE, ("double",))


@pytest.fixture
def check(part, exercise, process):
    def run(text, file=MODULE):
        (part / file).write_text(text)
        return process.check(exercise, part)

    return run


def test_what_is_right_passes_and_shows_that_it_ran(check):
    outcome = check(RIGHT)
    assert outcome.passed
    assert (outcome.cases, outcome.ran) == (3, {"double": True})
    assert outcome.file == "part-01/ruvon/thing.py"


def test_the_smallest_case_is_shown_and_the_mistake_named(check):
    outcome = check("def double(x):\n    return x\n")
    assert outcome.failed == 3
    assert outcome.failure.message == "It gave back what it got."
    assert outcome.failure.case == "double(1)"
    assert outcome.failure.seen == (("expected", "2"), ("got", "1"))


def test_the_mistake_that_explains_most_cases_is_named(check, exercise):
    """At x = 2 a square and a sum are the same number."""
    exercise.folder.joinpath("check.py").write_text(
        CHECK.replace("(1, 2, 3)", "(2, 3, 4)")
        .replace(
            '{"It gave back what it got.": x}', '{"A third more.": 4 + 0 * x, "Squared.": x * x}'
        )
        .replace("x + x", "x + x + 1")
    )
    assert check("def double(x):\n    return x * x\n").failure.message == "Squared."


# A function of the right name and effect that is not the one in the file.
IMPOSTORS = {
    "imported": "from ruvon.other import double as d\ndef double(x): return 0\ndouble = d\n",
    "overwritten": f"{RIGHT}\nclass Two:\n    __call__ = lambda s, x: x * 2\ndouble = Two()\n",
    "made of text": f"{RIGHT}\nexec('def double(x): return x * 2', globals())\n",
}


@pytest.mark.parametrize("text", IMPOSTORS.values(), ids=IMPOSTORS)
def test_what_did_not_run_in_the_file_does_not_count(check, text):
    message = check(text).failure.message
    assert "double in your file never ran" in message or "`double` is not defined" in message


def test_old_bytecode_is_not_used(process, exercise, part):
    """A file in __pycache__ that claims to be of this very source: same time, same size."""
    path = part / MODULE
    path.write_text(RIGHT)
    kept = path.stat()
    path.write_text(RIGHT.replace("2", "3"))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    py_compile.compile(str(path), cfile=importlib.util.cache_from_source(str(path)))
    path.write_text(RIGHT)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    code = (
        f"import sys; sys.path[0] = {str(part)!r}; from ruvon.thing import double as d; print(d(1))"
    )
    misled = subprocess.check_output([sys.executable, "-S", "-c", code])
    assert misled == b"3\n", "Python itself takes the stale file"
    assert process.check(exercise, part).passed


def test_a_package_elsewhere_on_the_path_is_not_taken(check):
    """The newest Ruvon is installed here, and the learner's package has no such module."""
    outcome = check("from ruvon.errors import RuvonError\n" + RIGHT)
    assert "ModuleNotFoundError: No module named 'ruvon.errors'" in outcome.failure.message


def test_an_endless_loop_is_ended_and_its_line_shown(check, monkeypatch):
    monkeypatch.setattr(limits, "CPU_SECONDS", 1)
    outcome = check("def double(x):\n    while True:\n        x += 1\n")
    assert outcome.failure.message == "It took too long. Does a loop never end?"
    [(where, line)] = outcome.failure.seen
    assert where.startswith("ruvon/thing.py, line ")
    assert line in ("while True:", "x += 1")


def test_a_loop_that_swallows_everything_is_ended_too(check, monkeypatch):
    monkeypatch.setattr(limits, "CPU_SECONDS", 1)
    turn = "try:\n            x += 1\n        except BaseException:\n            pass"
    assert check(f"def double(x):\n    while True:\n        {turn}\n").failure is not None


def test_waiting_for_ever_is_ended(check, monkeypatch):
    monkeypatch.setattr(limits, "WALL_SECONDS", 1)
    outcome = check("import threading\ndef double(x):\n    threading.Event().wait()\n")
    assert "Does it wait for something?" in outcome.failure.message


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux keeps this limit")
@pytest.mark.parametrize("ask", ["torch.zeros(2**30)", "[0] * 2**29", "bytearray(2**33)"])
def test_too_much_memory_is_refused(check, ask):
    outcome = check(f"import torch\ndef double(x):\n    return {ask}\n")
    assert outcome.failure.message == "It asked for more memory than the limit."


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "raise SystemExit"])
def test_ending_the_process_is_not_passing(check, end):
    outcome = check(f"import os, sys\ndef double(x):\n    {end}\n")
    assert "ended the process" in outcome.failure.message


def test_a_crash_is_not_passing(check, process):
    outcome = check("import os, signal\ndef double(x):\n    os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert "crashed" in outcome.failure.message
    assert check(RIGHT).passed


def test_what_is_printed_is_shown(check):
    outcome = check("def double(x):\n    print('x is', x)\n    return x * 2\n")
    assert outcome.passed
    assert outcome.printed == "x is 1\nx is 2\nx is 3\n"


def test_very_much_print_is_cut_and_does_not_block(check):
    outcome = check("def double(x):\n    print('x' * 10**6)\n    return x * 2\n")
    assert outcome.passed
    assert 0 < len(outcome.printed) <= 4000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def double(x)\n    return x\n", "Line 1 is no Python: expected ':'"),
        ("def double(x):\n    return int(input())\n", "Your code stopped: EOFError"),
        ("def triple(x):\n    return x\n", "`double` is not defined there any more"),
        ("def double(x):\n    return y\n", "Your code stopped: NameError"),
        ("def double(x):\n    pass\n", "It gave back nothing (None). Is a `return` missing?"),
        ("def double():\n    return 2\n", "It does not fit how it is called"),
        ("import nothing_at_all\n" + RIGHT, "ModuleNotFoundError"),
        (
            'def double(x):\n    raise NotImplementedError("exercise 1.1: write this body")\n',
            "There is still a hole: exercise 1.1.",
        ),
    ],
)
def test_what_stops_is_said_in_a_line(check, text, message):
    assert message in check(text).failure.message


def test_the_line_of_the_learner_is_shown_not_the_stack_below(check):
    outcome = check("import json\ndef double(x):\n    return json.loads('{')\n")
    assert outcome.failure.seen == (("ruvon/thing.py, line 3", "return json.loads('{')"),)


def test_a_syntax_error_shows_its_line(check):
    outcome = check("def double(x):\n    return (x\n")
    assert outcome.failure.seen == (("ruvon/thing.py, line 2", "return (x"),)


def test_a_syntax_error_in_another_file_names_that_file(check, part):
    (part / "ruvon" / "other.py").write_text("def double(x)\n")
    failure = check(f"import ruvon.other\n{RIGHT}").failure
    assert failure.message == "A file is no Python: expected ':'."
    assert failure.seen == (("ruvon/other.py, line 1", "def double(x)"),)


def test_a_file_that_is_gone_can_be_had_again(check, part, process, exercise):
    (part / MODULE).unlink(missing_ok=True)
    message = process.check(exercise, part).failure.message
    assert message == "part-01/ruvon/thing.py is gone. Get it back: ruvon learn reset 1.1"


def test_an_older_copy_is_checked_in_the_place_of_the_file(
    check, part, process, exercise, tmp_path
):
    """The hole of a later exercise may be in the file by now."""
    assert not check("def double(x):\n    return 0\n").passed
    copy = tmp_path / "copy.py"
    copy.write_text(RIGHT)
    assert process.check(exercise, part, copy).passed
    assert not process.check(exercise, part).passed


def test_a_fault_of_the_check_is_not_blamed_on_the_learner(check, exercise):
    exercise.folder.joinpath("check.py").write_text("import nothing_at_all\n")
    outcome = check(RIGHT)
    assert "nothing_at_all" in outcome.broken
    assert not outcome.passed
