"""Every code block of the README is run, as it stands there; of docs/server.md, too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ruvon.server.app import create_app
from ruvon.server.errors import TYPES

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README, SERVER = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/server.md")
)
BLOCKS = BLOCK.findall(README)
PYTHON = [text for language, text in BLOCKS if language == "python" and "openai" not in text]
OPENAI = [text for language, text in BLOCKS if language == "python" and "openai" in text]


def lines(page):
    """The commands of a page."""
    return [
        line for kind, text in BLOCK.findall(page) if kind == "sh" for line in text.splitlines()
    ]


ADDRESS = "http://127.0.0.1:8000"
CURLS = [line for page in (README, SERVER) for line in lines(page) if line.startswith("curl ")]
SHELL = [line for line in lines(README) if line not in CURLS]
SERVES = [line for line in lines(SERVER) if line not in CURLS]

# Running the tests from a test would never end, and installing would change what is tested:
# of these, only that the command is one that the project has.
DRY = {
    "make test-all": ["make", "-n", "test-all"],
    "make run-api": ["make", "-n", "run-api"],  # it is served below, on another port
    'pip install -c constraints.txt -e ".[dev]"': [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet"),
        *("--no-build-isolation", "-c", "constraints.txt", "-e", ".[dev]"),
    ],
    "python -m pytest tests/ -v": [sys.executable, "-m", "pytest", "--version"],
}
# What a learner types is tried in a folder of its own. The first check is meant to fail.
LEARN = [line for line in SHELL if line.startswith("ruvon learn ")]
DOWNLOADS = 'ruvon run --model gpt2 "The meaning of life is"'


def clean_environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}


def shell(command: str | list[str], folder: Path = ROOT, code: int = 0) -> str:
    environment = clean_environment()
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


# The server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of what `make run-api` serves, on a free port."""
    process = subprocess.Popen(
        ["ruvon", "serve", "--port", "0"],
        cwd=tmp_path_factory.mktemp("served"),  # where there is no .env
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if found := re.search(r"running on (http://[\d.:]+)", line):
            break
    else:
        raise AssertionError(f"it ended with {process.wait()}")
    yield found[1]
    process.kill()
    process.wait()
    process.stderr.close()


CHOICES = {"id", "object", "created", "model", "choices", "usage"}
CARD = {"id", "object", "created", "owned_by", "root", "parent", "max_model_len"}
# What the JSON of an endpoint holds.
HOLDS = {
    "/v1/completions": CHOICES,
    "/completions": CHOICES,
    "/v1/chat/completions": CHOICES,
    "/v1/models": {"object", "data"},
    "/v1/models/story": CARD,
    "/health": {"status", "running", "waiting"},
    "/ready": {"status"},
    "/version": {"version"},
    "/tokenize": {"count", "max_model_len", "tokens", "token_strs"},
    "/detokenize": {"prompt"},
    "/v1/generate_nobatch": {"text"},
    "/generate": {"text"},
    "/model": {"model", "vocab_size", "eos", "device", "max_batch_size"},
}
# What an event stream ends with.
ENDS = {
    "/v1/completions": "data: [DONE]",
    "/v1/chat/completions": "data: [DONE]",
    "/v1/generate": "event: done\ndata: ",
    "/stream": "event: done\ndata: ",
}


def path_of(line: str) -> str:
    found = re.search(rf"{ADDRESS}([\w/]+)", line)
    assert found, line
    return found[1]


def is_stream(line: str) -> bool:
    return line.startswith("curl -N ")


@pytest.mark.parametrize("line", CURLS)
def test_curl(served, line):
    asked = line.replace(ADDRESS, served).replace("curl ", "curl -sS -w '%{http_code}' ", 1)
    printed = shell(asked)
    answer, status = printed[:-3], printed[-3:]
    assert status == "200", answer
    if is_stream(line):
        assert answer.endswith(ENDS[path_of(line)] + "\n\n")
        assert answer.count("data: ") > 1
    else:
        told = json.loads(answer)
        assert set(told) == HOLDS[path_of(line)]
        assert not any(choice["finish_reason"] is None for choice in told.get("choices", []))


def test_every_endpoint_has_its_curl_line():
    described = set(create_app(None).openapi()["paths"])
    shown = {path_of(line) for line in CURLS}
    assert {path.replace("{name}", "story") for path in described} <= shown
    assert set(HOLDS) == {path_of(line) for line in CURLS if not is_stream(line)}
    assert set(ENDS) == {path_of(line) for line in CURLS if is_stream(line)}


@pytest.mark.parametrize("text", OPENAI, ids=lambda text: text.splitlines()[0])
def test_openai(served, text):
    assert ADDRESS in text
    assert len(shell([sys.executable, "-c", text.replace(ADDRESS, served)]).split()) > 8


@pytest.mark.parametrize("line", SERVES)
def test_a_server_that_is_only_named(line):
    """Its flags are ones that there are, and mean something."""
    assert line.startswith("ruvon serve")
    assert "model: " in shell(f"{line} --print-config")


def test_the_errors_are_those_that_the_server_knows():
    rows = re.findall(r"^\| (\d{3}) \| (\w+) \|", SERVER, re.MULTILINE)
    assert {(int(status), kind) for status, kind in rows} == set(TYPES.items())
