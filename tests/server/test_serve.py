"""`ruvon serve` as a process: it starts, answers as the engine does, and ends well."""

import json
import logging
import logging.config
import os
import re
import shutil
import signal
import subprocess
import sys

import httpx2
import pytest

from ruvon import LLM
from ruvon.commands import serve
from ruvon.errors import RuvonError
from ruvon.server.logs import log_config
from ruvon.server.settings import Settings

PATIENCE = 120
PROMPT = "Once upon a time"


FLAGS = ["story-nano", "--port", "0", "--dtype", "fp32", "--log-format", "json"]


@pytest.fixture
def served():
    """A served `story-nano` on a free port. -> process, client"""
    process = subprocess.Popen(
        [sys.executable, "-m", "ruvon.server", *FLAGS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    for line in process.stderr:
        if found := re.search(r"running on (http://[\d.:]+)", line):
            break
    else:
        raise AssertionError(f"it ended with {process.wait()}")
    with httpx2.Client(base_url=found[1], timeout=PATIENCE) as client:
        yield process, client
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_it_says_what_the_engine_says_and_ends_well(served):
    process, client = served
    [own] = LLM("story-nano", device="cpu", dtype="float32").generate(PROMPT, max_tokens=20)
    asked = {"model": "story-nano", "prompt": PROMPT, "max_tokens": 20, "temperature": 0}
    answer = client.post("/v1/completions", json=asked).json()
    assert answer["choices"][0]["text"] == own.outputs[0].text
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    [answered] = map(json.loads, out.splitlines())
    assert (answered["path"], answered["status"]) == ("/v1/completions", 200)
    assert all(json.loads(line)["level"] == "info" for line in errors.splitlines())


def test_sigterm_finishes_what_was_accepted(served):
    process, client = served
    asked = {"prompt": PROMPT, "max_tokens": None, "ignore_eos": True, "stream": True}
    with client.stream("POST", "/v1/completions", json=asked) as response:
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        next(lines)
        process.send_signal(signal.SIGTERM)
        *rest, last = lines
    assert last == "data: [DONE]"
    reason = json.loads(rest[-1].removeprefix("data: "))["choices"][0]["finish_reason"]
    assert reason == "length"
    assert process.wait(PATIENCE) == 0


def test_a_failure_is_one_line_of_json(capsys):
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "ruvon")
    before = {
        name: (logging.getLogger(name).handlers, logging.getLogger(name).level) for name in names
    }
    try:
        logging.config.dictConfig(log_config("json", "error"))
        log = logging.getLogger("ruvon.server")
        log.info("not told")
        try:
            raise ZeroDivisionError("planted\nfault")
        except ZeroDivisionError as error:
            log.error("it %s", "failed", exc_info=error)
    finally:
        for name, (handlers, level) in before.items():
            logging.getLogger(name).handlers = handlers
            logging.getLogger(name).setLevel(level)
            logging.getLogger(name).propagate = True
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == (
        "error",
        "ruvon.server",
        "it failed",
    )
    assert "ZeroDivisionError: planted\nfault" in told["exception"]


@pytest.fixture
def mute(tiny, tmp_path):
    """The tiny model in a folder without tokenizer files."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny / name, tmp_path)
    return str(tmp_path)


def test_a_model_without_a_tokenizer_is_served_with_another_folders(mute, tiny):
    where = {"device": "cpu", "dtype": "float32"}
    with pytest.raises(RuvonError, match=r"name the folder of one with --tokenizer"):
        serve.service(LLM(mute, **where), Settings(model=mute))
    llm = LLM(mute, tokenizer=tiny, **where)
    service = serve.service(llm, Settings(model=mute, tokenizer=str(tiny), seed=3, max_prompts=7))
    service.backend.close()
    assert service.ids("The fox") == LLM(tiny, **where).encode("The fox")
    assert (service.seed, service.most_prompts) == (3, 7)
    [out] = llm.generate("The fox", max_tokens=4)
    [own] = LLM(tiny, **where).generate("The fox", max_tokens=4)
    assert out.outputs == own.outputs
    with pytest.raises(RuvonError, match="has 2,048 tokens, and the model knows 300"):
        LLM(mute, tokenizer="story", **where)


def test_only_a_hub_id_has_revisions():
    with pytest.raises(RuvonError, match="'story' is no Hub id, so it has no revision 'main'"):
        LLM("story", revision="main")
