"""What a client says about drawing reaches the backend, and n answers are told apart."""

import json

import pytest

from ruvon.sampling.params import SamplingParams

ALL = {
    "temperature": 0.7,
    "top_k": 5,
    "top_p": 0.9,
    "min_p": 0.05,
    "repetition_penalty": 1.1,
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "seed": 42,
    "min_tokens": 2,
}


@pytest.fixture
def seen(scripted):
    """The requests that reached the backend."""
    requests, run = [], scripted.run

    def watched(request):
        requests.append(request)
        yield from run(request)

    scripted.run = watched
    return requests


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_every_field_reaches_the_backend(seen, client, path):
    body = {"max_tokens": 3, "logit_bias": {"7": -100, "3": 2}, **ALL}
    asked = {"prompt": "A"} if path == "/v1/completions" else {"messages": [{"role": "user"}]}
    if "messages" in asked:
        asked["messages"][0]["content"] = "A"
    assert client.post(path, json={**asked, **body}).status_code == 200
    want = SamplingParams(max_tokens=3, logit_bias={7: -100, 3: 2}, **ALL)
    assert [request.params for request in seen] == [want]


def test_nothing_said_means_temperature_1_and_a_seed_of_its_own(seen, client):
    for _ in range(2):
        client.post("/v1/completions", json={"prompt": "A", "max_tokens": 1})
    first, second = (request.params for request in seen)
    assert (first.temperature, first.top_k, first.top_p) == (1.0, 0, 1.0)
    assert None not in (first.seed, second.seed)
    assert first.seed != second.seed


def test_the_teaching_endpoints_take_four_knobs(seen, client):
    knobs = {"temperature": 0.5, "top_k": 3, "top_p": 0.8, "seed": 9}
    for path, length in (("/v1/generate_nobatch", "max_new_tokens"), ("/generate", "max_length")):
        assert client.post(path, json={"prompt": "A", length: 4, **knobs}).status_code == 200
    for request in seen:
        assert {name: getattr(request.params, name) for name in knobs} == knobs


def test_n_answers_of_two_prompts_are_numbered_in_order(seen, client):
    body = {"prompt": ["A cat", "B"], "n": 3, "max_tokens": 2, "seed": 1, "echo": True}
    answer = client.post("/v1/completions", json=body).json()
    assert [choice["index"] for choice in answer["choices"]] == list(range(6))
    echoed = [choice["text"].startswith("A cat") for choice in answer["choices"]]
    assert echoed == [True] * 3 + [False] * 3
    assert answer["usage"]["completion_tokens"] == 12
    asked = sorted((request.prompt, request.choice, request.params.seed) for request in seen)
    assert [(choice, seed) for _, choice, seed in asked] == [(c, 1) for c in (0, 1, 2)] * 2


def test_n_streams_are_interleaved_and_told_apart(client):
    body = {"messages": [{"role": "user", "content": "A"}], "n": 2, "max_tokens": 4}
    texts, reasons = ["", ""], {}
    with client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: {")]
    for line in lines:
        [choice] = json.loads(line.removeprefix("data: "))["choices"]
        texts[choice["index"]] += choice["delta"].get("content", "")
        if choice["finish_reason"]:
            reasons[choice["index"]] = choice["finish_reason"]
    whole = client.post("/v1/chat/completions", json=body).json()["choices"]
    assert texts == [choice["message"]["content"] for choice in whole]
    assert reasons == {0: "length", 1: "length"}
