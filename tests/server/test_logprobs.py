"""Logprobs over HTTP: OpenAI's two forms, whole and streamed, of the text and of the prompt."""

import json
import math

import pytest
import torch
from transformers import GPT2LMHeadModel

from ruvon import LLM
from ruvon.engine.async_engine import AsyncEngine
from ruvon.zoo import locate

from .conftest import Server

PATH = "/v1/completions"
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def llm():
    return LLM("story-nano", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def oracle():
    """Log-probabilities of all tokens after each, by transformers: ids -> [T, vocabulary]."""
    model = GPT2LMHeadModel.from_pretrained(locate("story-nano"), dtype=torch.float32).eval()

    def of(ids):
        with torch.inference_mode():
            return model(torch.tensor([ids])).logits[0].log_softmax(dim=-1)

    return of


@pytest.fixture(scope="module")
def client(llm):
    server = Server(None, llm.tokenizer, backend=lambda: AsyncEngine(llm.new_engine()))
    with server.client() as one:
        yield one
    server.close()


def streamed(client, path, **body):
    with client.stream("POST", path, json={**body, "stream": True}) as response:
        lines = [line[6:] for line in response.iter_lines() if line.startswith("data: {")]
    return [json.loads(line)["choices"][0] for line in lines]


def test_completions_with_echo_agree_with_transformers(client, llm, oracle):
    prompt = "Once upon a time, there was a café"
    asked = {"prompt": prompt, "max_tokens": 6, "echo": True, "logprobs": 3, "temperature": 0}
    answer = client.post(PATH, json=asked).json()
    [choice] = answer["choices"]
    told = choice["logprobs"]
    [out] = llm.generate(prompt, max_tokens=6)
    ids = [*out.prompt_token_ids, *out.outputs[0].token_ids]
    table = oracle(ids)
    assert told["token_logprobs"][0] is told["top_logprobs"][0] is None
    want = [float(table[at, token]) for at, token in enumerate(ids[1:])]
    assert told["token_logprobs"][1:] == pytest.approx(want, abs=1e-4)
    for at, top in enumerate(told["top_logprobs"][1:]):
        values = table[at].topk(3).values.tolist()
        best = sorted(top.values(), reverse=True)[:3]
        assert best == pytest.approx(values, abs=1e-4)
        assert told["token_logprobs"][at + 1] in top.values()
    assert [len(told[name]) for name in told] == [len(ids)] * 4
    assert choice["text"].startswith(prompt)
    for token, place, after in zip(
        told["tokens"], told["text_offset"], told["text_offset"][1:], strict=False
    ):
        if not token.startswith("bytes:"):
            assert choice["text"][place:after] == token
    assert answer["usage"]["completion_tokens"] == 6


def test_only_the_prompt_can_be_scored(client, llm, oracle):
    asked = {"prompt": "The cat sat", "max_tokens": 0, "echo": True, "logprobs": 1}
    answer = client.post(PATH, json=asked).json()
    [choice] = answer["choices"]
    ids = llm.encode("The cat sat")
    want = [float(oracle(ids)[at, token]) for at, token in enumerate(ids[1:])]
    first, *others = choice["logprobs"]["token_logprobs"]
    assert first is None
    assert others == pytest.approx(want, abs=1e-4)
    assert choice["text"] == "The cat sat"
    assert choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 0


@pytest.mark.parametrize("fields", [{}, {"echo": True}, {"stop": " was"}, {"n": 1, "top_k": 5}])
def test_streamed_scores_are_the_whole_ones(client, fields):
    asked = {"prompt": "Once", "max_tokens": 12, "logprobs": 2, "seed": 3, **fields}
    [whole] = client.post(PATH, json=asked).json()["choices"]
    chunks = streamed(client, PATH, **asked)
    joined = {name: [] for name in whole["logprobs"]}
    for chunk in chunks:
        for name, values in chunk["logprobs"].items():
            joined[name] += values
    assert joined == whole["logprobs"]
    assert "".join(chunk["text"] for chunk in chunks) == whole["text"]


def test_chat(client, llm, oracle):
    asked = {"messages": [{"role": "user", "content": "One day"}], "max_tokens": 5, "seed": 1}
    asked |= {"logprobs": True, "top_logprobs": 2}
    [choice] = client.post(CHAT, json=asked).json()["choices"]
    content = choice["logprobs"]["content"]
    assert len(content) == 5
    assert b"".join(bytes(one["bytes"]) for one in content).decode() == choice["message"]["content"]
    ids = [*llm.encode("One day\n"), *(llm.encode(one["token"])[0] for one in content)]
    table = oracle(ids)[len(ids) - 6 :]
    for at, one in enumerate(content):
        assert one["logprob"] == pytest.approx(float(table[at, ids[len(ids) - 5 + at]]), abs=1e-4)
        best = table[at].topk(2).values.tolist()
        assert [top["logprob"] for top in one["top_logprobs"]] == pytest.approx(best, abs=1e-4)
    chunks = streamed(client, CHAT, **asked)
    got = [one for chunk in chunks if chunk["logprobs"] for one in chunk["logprobs"]["content"]]
    assert got == content


def test_no_logprobs_unless_asked_for(client):
    [choice] = client.post(PATH, json={"prompt": "A", "max_tokens": 1}).json()["choices"]
    assert choice["logprobs"] is None
    asked = {"messages": [{"role": "user", "content": "A"}], "max_tokens": 1, "logprobs": True}
    [choice] = client.post(CHAT, json=asked).json()["choices"]
    assert choice["logprobs"]["content"][0]["top_logprobs"] == []


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        (PATH, {"prompt": "A", "logprobs": 21}, "logprobs"),
        (PATH, {"prompt": "A", "logprobs": -1}, "logprobs"),
        (PATH, {"prompt": "A", "logprobs": True}, "logprobs"),
        (CHAT, {"logprobs": True, "top_logprobs": 21}, "logprobs"),
        (CHAT, {"top_logprobs": 2}, "top_logprobs"),
    ],
)
def test_what_is_refused(client, path, fields, param):
    if path == CHAT:
        fields = {"messages": [{"role": "user", "content": "A"}], **fields}
    answer = client.post(path, json=fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_minus_infinity_is_a_number(client, llm, monkeypatch):
    model = type(llm.model)
    logits = model.logits

    def banned(self, hidden):
        scores = logits(self, hidden)
        return scores.index_fill(-1, torch.tensor(llm.encode(" cat")), -math.inf)

    monkeypatch.setattr(model, "logits", banned)
    asked = {"prompt": "The cat", "max_tokens": 0, "echo": True, "logprobs": 0}
    told = client.post(PATH, json=asked).json()["choices"][0]["logprobs"]
    assert told["token_logprobs"][-1] == -9999.0
