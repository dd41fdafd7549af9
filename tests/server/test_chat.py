"""Chat over real sockets: messages, templates, and how a message streams."""

import json

import pytest

from ruvon.chat_template import PLAIN
from ruvon.chat_template import read_template
from ruvon.server.chat import Message
from ruvon.server.chat import render
from ruvon.server.errors import APIError

PATH = "/v1/chat/completions"
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A story, please."}]


def messages(*texts):
    return [Message(role="user", content=text) for text in texts]


def test_a_message_is_answered(client, scripted):
    answer = client.post(PATH, json={"messages": ASK, "max_tokens": 4}).json()
    assert answer["object"] == "chat.completion"
    [choice] = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == scripted.tokenizer.decode(scripted.script[:4])
    assert choice["finish_reason"] == "length"
    prompt = scripted.tokenizer.encode("Be brief.\nA story, please.\n")
    assert answer["usage"]["prompt_tokens"] == len(prompt)


@pytest.mark.parametrize("limit", [{"max_tokens": 5}, {"max_completion_tokens": 5}])
def test_a_streamed_message_is_role_text_and_reason(client, limit):
    body = {"messages": ASK, **limit, "stream_options": {"include_usage": True}, "stream": True}
    with client.stream("POST", PATH, json=body) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    *chunks, usage = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {}
    assert all(set(delta) == {"content"} for delta in deltas[1:-1])
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["length"]
    whole = client.post(PATH, json={"messages": ASK, **limit}).json()["choices"][0]["message"]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["content"]
    assert usage["usage"]["completion_tokens"] == 5
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_a_message_may_come_in_pieces(client):
    pieces = [{"type": "text", "text": "A story, "}, {"type": "text", "text": "please."}]
    asked = [ASK[0], {"role": "user", "content": pieces}]
    usage = [
        client.post(PATH, json={"messages": m, "max_tokens": 1}).json()["usage"]
        for m in (ASK, asked)
    ]
    assert usage[0] == usage[1]


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "messages", "field required"),
        ({"messages": []}, "messages", "at least 1 item"),
        ({"messages": "hello"}, "messages", "valid list"),
        ({"messages": [{"content": "x"}]}, "messages", "messages[0].role: field required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages",
            "messages[0].content[0].text: field required",
        ),
        ({"messages": ASK, "tools": [{}]}, "tools", "is not implemented"),
        ({"messages": ASK, "max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"messages": [{"role": "user", "content": "a " * 600}]}, "messages", "takes 512"),
    ],
)
def test_what_is_wrong_is_said(client, body, param, words):
    answer = client.post(PATH, json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == param
    assert words in error["message"]


def test_a_template_makes_the_prompt():
    template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert render(template, messages("a", "b")) == "<user>a</><user>b</><assistant>"
    assert render(PLAIN, messages("a", "b")) == "a\nb\n"


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[5].content }}{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{% for",
    ],
)
def test_what_a_template_cannot_do_is_an_error_of_the_request(template):
    with pytest.raises(APIError, match="the chat template refuses these messages"):
        render(template, messages("a"))


def test_the_template_of_a_folder(tmp_path):
    assert read_template(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "one"}')
    assert read_template(tmp_path) == "one"
    (tmp_path / "chat_template.jinja").write_text("two")
    assert read_template(tmp_path) == "two"


@pytest.mark.parametrize(
    "field",
    [
        {"best_of": 1},
        {"suffix": ""},
        {"tools": []},
        {"tool_choice": "none"},
        {"response_format": {"type": "text"}},
        {"modalities": ["text"]},
        {"web_search_options": None},
    ],
)
def test_a_field_that_asks_for_nothing_is_no_error(client, field):
    body = {"messages": [{"role": "user", "content": "A"}], "max_tokens": 1, **field}
    answer = client.post(PATH, json=body)
    assert answer.status_code == 200
    assert "x-ruvon-ignored" not in answer.headers


@pytest.mark.parametrize(
    "field",
    [
        {"best_of": 2},
        {"suffix": "b"},
        {"tools": [{"type": "function"}]},
        {"tool_choice": "auto"},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_a_field_that_asks_for_something_is_refused_by_name(client, field):
    body = {"messages": [{"role": "user", "content": "A"}], "max_tokens": 1, **field}
    answer = client.post(PATH, json=body)
    assert answer.status_code == 400
    assert [answer.json()["error"]["param"]] == list(field)


def test_a_message_with_a_tool_call_is_refused_and_an_empty_one_is_not(client):
    message = {"role": "assistant", "content": "A", "tool_calls": []}
    body = {"messages": [message], "max_tokens": 1}
    assert client.post(PATH, json=body).status_code == 200
    message["tool_calls"] = [{"id": "1"}]
    refused = client.post(PATH, json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "messages"
    assert "tool_calls" in refused.json()["error"]["message"]
