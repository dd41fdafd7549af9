"""`ruvon serve` as a process: it starts, answers as the engine does, and ends well."""

import json
import os
import re
import signal
import subprocess
import sys

import httpx2
import pytest

from ruvon import LLM

PATIENCE = 120
PROMPT = "Once upon a time"


@pytest.fixture
def served():
    """A served `story-nano` on a free port. -> process, client"""
    process = subprocess.Popen(
        [sys.executable, "-m", "ruvon.server", "story-nano", "--port", "0", "--dtype", "float32"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    for line in process.stderr:
        if found := re.search(r"running on (http://\S+)", line):
            break
    else:
        raise AssertionError(f"it ended with {process.wait()}")
    with httpx2.Client(base_url=found[1], timeout=PATIENCE) as client:
        yield process, client
    process.kill()
    process.wait()
    process.stderr.close()


def test_it_says_what_the_engine_says_and_ends_well(served):
    process, client = served
    [own] = LLM("story-nano", device="cpu", dtype="float32").generate(PROMPT, max_tokens=20)
    asked = {"model": "story-nano", "prompt": PROMPT, "max_tokens": 20}
    answer = client.post("/v1/completions", json=asked).json()
    assert answer["choices"][0]["text"] == own.outputs[0].text
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


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
