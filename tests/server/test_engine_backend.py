"""The server over the engine: a queue with an end, health with a reason, and nobody left behind."""

import json
import socket
import threading

import pytest

from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.core import Engine
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens

from .conftest import PATIENCE
from .conftest import Server

PATH = "/v1/completions"
VOCABULARY = 2048


class Engines:
    """Servers over an engine whose model waits at a gate."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.gate = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self.open = True
        self.passed = 0
        self.now = 0.0
        self.running = []

    def pass_gate(self):
        if not self.open:
            self.arrived.release()
            assert self.gate.acquire(timeout=PATIENCE)
        self.passed += 1

    def reached(self):
        assert self.arrived.acquire(timeout=PATIENCE)

    def release(self):
        self.open = True
        self.gate.release(10_000)

    def make(self, **keywords):
        model = OracleModel(VOCABULARY, context=512, gate=self.pass_gate)
        parts = STRATEGIES["sequential"](model, Options(512, "cached"))
        engine = Engine(*parts, lambda _: Text(self.tokenizer), context=512)
        self.backend = AsyncEngine(engine, clock=lambda: self.now, **keywords)
        server = Server(None, self.tokenizer, backend=lambda: self.backend)
        self.running.append(server)
        return server


@pytest.fixture
def engines(tokenizer):
    all_of_them = Engines(tokenizer)
    yield all_of_them
    all_of_them.release()
    for server in all_of_them.running:
        server.close()


class Asked(threading.Thread):
    """A request in a thread of its own, and its answer."""

    def __init__(self, server, body):
        super().__init__()
        self.server, self.body = server, body
        self.start()

    def run(self):
        with self.server.client() as client:
            self.answer = client.post(PATH, json=self.body)

    def result(self):
        self.join(PATIENCE)
        return self.answer


def body(prompt=(5, 6, 7), **fields):
    return {"prompt": [*prompt], "max_tokens": 4, "temperature": 0, **fields}


def test_what_the_oracle_told_comes_out(engines):
    server = engines.make()
    with server.client() as client:
        prompts = [[*range(n, n + 5)] for n in range(6)]
        answer = client.post(PATH, json=body(prompts, max_tokens=20, n=2)).json()
    want = [engines.tokenizer.decode(oracle_tokens(p, 20, VOCABULARY)) for p in prompts]
    assert [choice["text"] for choice in answer["choices"]] == [w for w in want for _ in range(2)]


def test_a_full_queue_is_429_before_anything_is_tokenized(engines, monkeypatch):
    server = engines.make(max_queue=2)
    engines.open = False
    first = Asked(server, body())
    engines.reached()
    with server.client() as client:
        tokenized = []
        monkeypatch.setattr(
            type(engines.tokenizer), "encode", lambda self, text: tokenized.append(text) or [1]
        )
        for asked in (
            body(["a", "b", "c"]),  # all or nothing: there is room for two
            body(["a"], n=3),
            {"prompt": "a", "n": 128, "max_tokens": 100_000},
        ):
            answer = client.post(PATH, json=asked)
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["error"]["type"] == "rate_limit_error"
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
        chat = {"messages": [{"role": "user", "content": "a"}], "n": 3}
        assert client.post("/v1/chat/completions", json=chat).status_code == 429
        assert tokenized == []
        two = Asked(server, body([[1], [2]]))
        while client.get("/health").json()["waiting"] < 2:
            pass
        assert client.post("/v1/generate_nobatch", json={"prompt": "a"}).status_code == 429
        assert client.post("/generate", json={"prompt": "a"}).status_code == 429
        engines.release()
        assert first.result().status_code == 200
        assert two.result().status_code == 200
        assert client.post(PATH, json=body()).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_its_computation(engines, stream):
    server = engines.make()
    engines.open = False
    told = json.dumps(body(max_tokens=400, stream=stream)).encode()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\n" % PATH.encode())
        client.sendall(b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(told))
        client.sendall(told)
        for _ in range(3):
            engines.reached()
            engines.gate.release()
        engines.reached()
    with server.client() as client:  # the fourth step stands at the gate
        while client.get("/health").json()["waiting"] + len(engines.backend.streams):
            pass
        engines.release()
        while client.get("/health").json()["running"]:
            pass
    assert engines.passed == 4


def test_health_tells_a_stall_and_its_end(engines):
    server = engines.make(stall_timeout=60)
    with server.client() as client:
        engines.now += 500
        assert client.get("/health").json() == {"status": "ok", "running": 0, "waiting": 0}
        engines.open = False
        asked = Asked(server, body())
        engines.reached()
        engines.now += 61
        sick = client.get("/health")
        assert sick.status_code == 503
        assert sick.json()["status"] == "failing"
        assert sick.json()["reason"] == "no step was completed for 61 s; 1 requests wait for one"
        engines.release()
        assert asked.result().status_code == 200
        assert client.get("/health").status_code == 200


def test_a_dead_engine_is_503_everywhere(engines, monkeypatch):
    class Death(BaseException):
        pass

    def die():
        raise Death("planted")

    server = engines.make()
    engines.open = False
    asked = Asked(server, body())
    engines.reached()
    monkeypatch.setattr(engines.backend.engine, "plan", die)
    engines.release()
    assert asked.result().status_code == 500
    with server.client() as client:
        assert "planted" in client.get("/health").json()["reason"]
        again = client.post(PATH, json=body())
        assert again.status_code == 503
        assert again.json()["error"]["code"] == "service_unavailable"


def test_what_was_accepted_is_finished_when_the_server_ends(engines):
    server = engines.make()
    engines.open = False
    asked = [Asked(server, body([n])) for n in range(3)]
    engines.reached()
    with server.client() as client:
        while client.get("/health").json()["waiting"] < 2:
            pass
        server.server.handle_exit(15, None)
        while client.get("/health").json()["status"] != "draining":
            pass
        assert client.post(PATH, json=body()).status_code == 503
    engines.release()
    assert [one.result().status_code for one in asked] == [200] * 3
    server.thread.join(PATIENCE)
    assert not server.thread.is_alive()


def test_thirty_clients_at_once_each_get_their_own(engines):
    server = engines.make()
    prompts = [[n, n + 1, n + 2] for n in range(30)]
    asked = [Asked(server, body(prompt, max_tokens=16)) for prompt in prompts]
    for prompt, one in zip(prompts, asked, strict=True):
        want = engines.tokenizer.decode(oracle_tokens(prompt, 16, VOCABULARY))
        assert one.result().json()["choices"][0]["text"] == want
    assert not engines.backend.streams
