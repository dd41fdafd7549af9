"""Whatever is sent: an answer, or an error that names the field. Never a 422, a 500, or silence."""

import json

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ruvon.server.app import create_app
from ruvon.server.chat import ChatRequest
from ruvon.server.schemas import OPENAI_FIELDS
from ruvon.server.schemas import CompletionRequest
from ruvon.server.teaching import GenerateRequest
from ruvon.server.teaching import LengthRequest
from ruvon.server.tokens import DetokenizeRequest
from ruvon.server.tokens import TokenizeRequest

ENDPOINTS = {
    "/v1/completions": CompletionRequest,
    "/v1/chat/completions": ChatRequest,
    "/v1/generate": GenerateRequest,
    "/v1/generate_nobatch": GenerateRequest,
    "/generate": LengthRequest,
    "/stream": LengthRequest,
    "/tokenize": TokenizeRequest,
    "/detokenize": DetokenizeRequest,
}
RIGHT = {
    "prompt": "Once",
    "messages": [{"role": "user", "content": "Once"}],
    "tokens": [1, 2],
    "max_tokens": 2,
    "max_new_tokens": 2,
    "max_length": 8,
}

ODD = st.sampled_from(
    [
        *(0, 1, -1, 2**31, 2**63, 2**64, -(2**64), 10**400, 0.5, -0.0, 1e308, 1e-308),
        *("", "\x00", "\ud800", "é" * 300, "🐉", "a" * 5000, "<|endoftext|>", "null", "1"),
        *([], [[]], [[[]]], {}, {"a": {}}, [None], [True], [1.5], ["a", 1], [[1], "a"], [-1]),
        *([2**70], [{"role": "user"}], [{"type": "text"}], [{"type": "text", "text": 3}]),
        *({"include_usage": "maybe"}, {"include_usage": True}),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def client(short_service):
    with TestClient(create_app(short_service), raise_server_exceptions=False) as one:
        yield one


def is_well(client, path, answer):
    """An answer as it should be, and a server that goes on."""
    assert answer.status_code in (200, 400, 404, 413), (answer.status_code, answer.text)
    if answer.status_code != 200:
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
    needed = {name: RIGHT[name] for name in ENDPOINTS[path].model_fields if name in RIGHT}
    assert client.post(path, json=needed).status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_value_in_any_field(client, path, data):
    known = [*ENDPOINTS[path].model_fields, *sorted(OPENAI_FIELDS)]
    body = {name: value for name, value in RIGHT.items() if name in ENDPOINTS[path].model_fields}
    for name in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)):
        body[name] = data.draw(VALUES)
    sent = json.dumps(body).encode()
    is_well(
        client, path, client.post(path, content=sent, headers={"content-type": "application/json"})
    )


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"prompt"',
        b"5",
        b"\xff\xfe",
        b'{"prompt": NaN, "messages": NaN, "tokens": NaN}',
        b'{"prompt": "a", "prompt": 5, "messages": 5, "tokens": 5}',
        b"[" * 100_000,
        b'{"prompt": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"prompt": "' + b"a" * 5_000_000 + b'"}',
    ],
    ids=lambda content: repr(content[:24]),
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_any_body(client, path, content, kind):
    is_well(client, path, client.post(path, content=content, headers={"content-type": kind}))


@pytest.mark.parametrize("path", ENDPOINTS)
def test_any_method(client, path):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.json()["error"]["type"] == "invalid_request_error"
