"""Every code block of the README is run, as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
SHELL = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
PYTHON = [text for language, text in BLOCKS if language == "python"]

# Running the tests from a test would never end, and installing would change what is tested:
# of these, only that the command is one that the project has.
DRY = {
    "make test-all": ["make", "-n", "test-all"],
    'pip install -c constraints.txt -e ".[dev]"': [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet"),
        *("--no-build-isolation", "-c", "constraints.txt", "-e", ".[dev]"),
    ],
    "python -m pytest tests/ -v": [sys.executable, "-m", "pytest", "--version"],
}
# What a learner types is tried in a folder of its own. The first check is meant to fail.
LEARN = [line for line in SHELL if line.startswith("ruvon learn ")]
DOWNLOADS = 'ruvon run --model gpt2 "The meaning of life is"'


def shell(command: str | list[str], folder: Path = ROOT, code: int = 0) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_the_readme_has_only_blocks_that_are_run():
    assert {language for language, _ in BLOCKS} == {"sh", "python", "mermaid"}
    assert set(DRY) <= set(SHELL)
    assert DOWNLOADS in SHELL


@pytest.mark.parametrize("line", [line for line in SHELL if line not in (*DRY, *LEARN, DOWNLOADS)])
def test_command(line):
    assert shell(line).strip()


def test_what_a_learner_types(tmp_path):
    for line in LEARN:
        assert shell(line, tmp_path, code=int(line == "ruvon learn check")).strip()
    assert [path.name for path in tmp_path.iterdir()] == ["learning"]


@pytest.mark.parametrize("line", DRY)
def test_command_that_is_only_named(line):
    shell(DRY[line])


@pytest.mark.slow
def test_download():
    assert "The meaning of life is" in shell(DOWNLOADS)


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text.splitlines()[0])
def test_python(text):
    assert shell([sys.executable, "-c", text]).strip()
