"""The plain endpoints, and text that comes through an event stream as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruvon.server.frames import text_frame

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def parsed(data):
    """Events of a stream as the specification reads them: [(name, text)]."""
    found, name, lines = [], "", []
    for line in data.decode().split("\n"):
        if not line:
            if lines:
                found.append((name, "\n".join(lines)))
            name, lines = "", []
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            lines.append(line.removeprefix("data:").removeprefix(" "))
    return found


@given(TEXT.filter(lambda text: "\r" not in text), st.sampled_from(["", "done"]))
def test_any_text_comes_back_as_it_was(text, name):
    assert parsed(text_frame(text, name)) == [(name, text)]


@pytest.mark.parametrize(
    "text", [" the", "  two", "\n", "\n\n", "a\n b", "", " ", ": x", "data: y"]
)
def test_blanks_and_line_breaks(text):
    assert parsed(text_frame(text)) == [("", text)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/generate", {"prompt": "Once", "max_new_tokens": 30}),
        ("/stream", {"prompt": "Once", "max_length": 31}),
    ],
)
def test_events_are_ttft_text_and_done(client, scripted, path, body):
    events = parsed(client.post(path, json=body).content)
    assert events[0][0] == "ttft"
    assert 0 < float(events[0][1]) < 60
    assert events[-1] == ("done", "")
    made = body.get("max_new_tokens") or 31 - len(scripted.tokenizer.encode("Once"))
    text = "".join(text for name, text in events if not name)
    assert text == scripted.tokenizer.decode(scripted.script[:made])


def test_the_whole_text(client, scripted):
    expected = {"text": scripted.tokenizer.decode(scripted.script[:7])}
    asked = {"prompt": "Once", "max_new_tokens": 7}
    assert client.post("/v1/generate_nobatch", json=asked).json() == expected
    length = 7 + len(scripted.tokenizer.encode("Once"))
    assert (
        client.post("/generate", json={"prompt": "Once", "max_length": length}).json() == expected
    )
    got = client.get("/stream", params={"prompt": "Once", "max_length": length})
    assert "".join(text for name, text in parsed(got.content) if not name) == expected["text"]


def test_the_model(client, tokenizer):
    assert client.get("/model").json() == {
        "model": "toy",
        "vocab_size": 2048,
        "eos": tokenizer.eos_id,
        "device": "cpu",
        "max_batch_size": 1,
    }


@pytest.mark.parametrize(
    ("path", "body", "param", "words"),
    [
        ("/v1/generate", {}, "prompt", "field required"),
        ("/v1/generate", {"prompt": "a", "temperature": -1}, "temperature", "greater than"),
        ("/v1/generate", {"prompt": "a", "max_new_tokens": 0}, "max_new_tokens", "greater than"),
        (
            "/generate",
            {"prompt": "a b c d e f", "max_length": 3},
            "max_length",
            "and max_length is 3",
        ),
        ("/stream", {"prompt": ""}, "prompt", "the prompt is empty"),
    ],
)
def test_what_is_wrong_is_said(client, path, body, param, words):
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "query", ["prompt=a&max_length=1", "prompt=a&max_length=x", "max_length=9"]
)
def test_a_wrong_address_line_is_said_too(client, query):
    answer = client.get(f"/stream?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in ("max_length", "prompt")


def test_a_failure_is_an_event(client):
    events = parsed(client.post("/v1/generate", json={"prompt": "fail"}).content)
    assert events[-1][0] == "error"
    assert "ZeroDivisionError" in events[-1][1]
    assert client.post("/generate", json={"prompt": "fail"}).status_code == 500
    assert client.post("/generate", json={"prompt": "a"}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/generate", "/v1/generate_nobatch"])
def test_what_is_ignored_is_named(client, path):
    body = {"prompt": "A", "max_new_tokens": 1}
    assert "x-ruvon-ignored" not in client.post(path, json=body).headers
    answer = client.post(path, json={**body, "max_tokens": 6})
    assert answer.headers["x-ruvon-ignored"] == "max_tokens"
