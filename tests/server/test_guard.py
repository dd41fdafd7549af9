"""The door: keys, sizes, names, and a server that is about to end."""

import asyncio
import signal
import socket

import pytest
from starlette.exceptions import HTTPException

from ruvon.server.guard import Door
from ruvon.server.guard import Guard

PATIENCE = 60
PATH = "/v1/completions"
BODY = {"prompt": "a", "max_tokens": 1}


def test_a_key_is_asked_for_where_there_is_one(serve):
    client, _ = serve(api_key="geheim é")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "geheim"}):
        answer = client.post(PATH, json=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert answer.json()["error"]["type"] == "authentication_error"
    assert client.get("/v1/models").status_code == 401
    assert client.get("/health").status_code == 200
    right = {"authorization": "Bearer geheim é".encode()}
    assert client.post(PATH, json=BODY, headers=right).status_code == 200


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused_and_the_next_one_is_served(serve, announced):
    client, _ = serve(body_bytes=1000)
    body = b'{"prompt": "' + b"a" * 2000 + b'"}'
    content = body if announced else iter([body[:700], body[700:]])
    answer = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "limit of 1,000 bytes" in answer.json()["error"]["message"]
    assert client.post(PATH, json=BODY).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(serve):
    client, server = serve(body_seconds=0.05)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as slow:
        slow.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = b"".join(iter(lambda: slow.recv(4096), b""))  # to the end: it is closed
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert b"the body did not arrive within 0.05 seconds" in answer
    assert client.post(PATH, json=BODY).status_code == 200


@pytest.mark.parametrize("more", [True, False])
def test_the_time_for_the_body_ends_with_the_body(more):
    """What comes after it, such as that the client has left, may come whenever it likes."""
    messages = iter([{"type": "http.request", "more_body": more}, {"type": "http.disconnect"}])

    async def receive():
        message = next(messages)
        if message["type"] == "http.disconnect":
            await asyncio.sleep(0.001)  # after a limit of no time at all
        return message

    async def read():
        limited = Guard(None, Door(body_seconds=0)).limited(receive)
        await limited()
        return await limited()

    if more:
        with pytest.raises(HTTPException, match="408"):
            asyncio.run(read())
    else:
        assert asyncio.run(read())["type"] == "http.disconnect"


def test_a_request_keeps_its_name_or_gets_one(serve):
    client, _ = serve()
    answer = client.post(PATH, json=BODY, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    names = {client.get("/health").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3
    too_long = client.get("/health", headers={"x-request-id": "x" * 200})
    assert len(too_long.headers["x-request-id"]) == 32
    with client.stream("POST", PATH, json={**BODY, "stream": True}) as streamed:
        assert streamed.headers["x-request-id"]


def test_a_server_that_ends_takes_nothing_new_and_finishes_what_it_has(serve, scripted):
    client, server = serve()
    scripted.hold()
    scripted.let(1)
    with client.stream("POST", PATH, json={"prompt": "a", "max_tokens": 3, "stream": True}) as one:
        lines = one.iter_lines()
        next(lines)
        server.server.handle_exit(signal.SIGTERM, None)
        assert server.door.draining
        with server.client() as other:
            refused = other.post(PATH, json=BODY)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "service_unavailable"
            assert "retry-after" in refused.headers
            assert other.get("/health").status_code == 503
            assert other.get("/health").json()["status"] == "draining"
        scripted.let(10)
        assert "data: [DONE]" in [*lines]
    server.thread.join(PATIENCE)
    assert not server.thread.is_alive(), "all was finished, and it has not ended"
    assert not server.server.force_exit


def test_a_page_that_is_allowed_may_call_and_another_may_not(scripted, tokenizer):
    """A browser asks first, without a key; what it is told decides."""
    from starlette.testclient import TestClient

    from ruvon.engine.direct import Direct
    from ruvon.server.app import create_app
    from ruvon.server.guard import Door
    from ruvon.server.service import Service

    backend = Direct(scripted.run)
    service = Service("toy", tokenizer, 512, 2048, backend)
    client = TestClient(create_app(service, Door(api_key="k"), ["http://good"]))
    asks = {"access-control-request-method": "POST"}
    good = client.options(PATH, headers={"origin": "http://good", **asks})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "http://good"
    bad = client.options(PATH, headers={"origin": "http://bad", **asks})
    assert "access-control-allow-origin" not in bad.headers
    refused = client.post(PATH, json=BODY, headers={"origin": "http://good"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "http://good"
    backend.close()
