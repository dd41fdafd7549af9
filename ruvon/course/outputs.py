"""Part 00 · What a command prints when a written-out stage is the `ruvon` that it finds."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from ruvon.errors import RuvonError

TIMEOUT = 300  # seconds

# The first argument is the stage's folder, the second a module or a file, the rest are its own.
_START = """
import runpy, sys
from pathlib import Path
import ruvon
stage, target = sys.argv[1:3]
if not Path(ruvon.__file__).resolve().is_relative_to(Path(stage).resolve()):
    sys.exit(f"ruvon is {ruvon.__file__}, and not the written-out stage")
sys.argv = [target, *sys.argv[3:]]
if target.endswith(".py"):
    runpy.run_path(target, run_name="__main__")
else:
    runpy.run_module(target, run_name="__main__", alter_sys=True)
"""


def run(command: str, stage: Path, root: Path) -> list[str]:
    """The lines that `command` prints, without trailing blanks and empty lines at the ends.

    `command` is `ruvon ...` or `python FILE ...` with a file of the checkout `root`; `stage` is the
    folder that holds the package. Raises RuvonError when the command is another one, fails, or
    takes longer than TIMEOUT.
    """
    words = shlex.split(command)
    if words[:1] == ["ruvon"]:
        arguments = ["ruvon.cli", *words[1:]]
    elif words[:1] == ["python"] and len(words) > 1 and (root / words[1]).is_file():
        arguments = [str(root / words[1]), *words[2:]]
    else:
        raise RuvonError(f"`{command}` is neither `ruvon ...` nor `python FILE ...`")
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _START, str(stage), *arguments],
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
        last = (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()[-1]
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
        **os.environ,
        "PYTHONPATH": str(stage),
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "RUVON_CHECKOUT": str(root),
        "RUVON_ZOO": os.environ.get("RUVON_ZOO") or str(root / "ruvon" / "zoo"),
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
        "LINES": "24",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
