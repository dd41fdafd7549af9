"""Part 00 · What a command prints when a written-out stage is the `ruvon` that it finds."""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from ruvon.course.run import GUARD
from ruvon.course.run import stage_environment
from ruvon.errors import RuvonError

TIMEOUT = 300  # seconds

# What the `ruvon` command is; run under this name, so that help texts say it.
LAUNCHER = "from ruvon.cli import main\n\nmain()\n"


def run(command: str, stage: Path, root: Path) -> list[str]:
    """The lines that `command` prints, without trailing blanks and empty lines at the ends.

    `command` is `ruvon ...` or `python FILE ...` with a file of the checkout `root`; `stage` is the
    folder that holds the package. Raises RuvonError when the command is another one, fails, or
    takes longer than TIMEOUT.
    """
    words = shlex.split(command)
    if words[:1] == ["ruvon"]:
        launcher = stage / "bin" / "ruvon"
        launcher.parent.mkdir(exist_ok=True)
        launcher.write_text(LAUNCHER, encoding="utf-8")
        arguments = [str(launcher), *words[1:]]
    elif words[:1] == ["python"] and len(words) > 1 and (root / words[1]).is_file():
        arguments = [str(root / words[1]), *words[2:]]
    else:
        raise RuvonError(f"`{command}` is neither `ruvon ...` nor `python FILE ...`")
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", GUARD, str(stage), *arguments],
                env=environment(stage, root),
                cwd=empty,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise RuvonError(f"`{command}` takes longer than {TIMEOUT} s") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r"\w", line)]
        last = said[-1].strip(" │") if said else "it says nothing"
        raise RuvonError(f"`{command}` ends with code {done.returncode}: {last}")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def environment(stage: Path, root: Path) -> dict[str, str]:
    """Variables under which the same command prints the same on every machine."""
    return {
        **stage_environment(stage, root),
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
        "LINES": "24",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
