"""The engine in its thread, and a server over it: who waits, who is refused, what health says."""

import asyncio
import json
import socket
import threading
from http.client import HTTPConnection

import pytest
import uvicorn

from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.async_engine import QueueFull
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams
from ruvon.server.app import create_app
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

VOCABULARY = 2048
PATIENCE = 60  # seconds until something that never happens is given up


class Gate:
    """Lets steps pass one by one."""

    def __init__(self):
        self.arrived, self.permits = threading.Semaphore(0), threading.Semaphore(0)
        self.passed = 0

    def __call__(self):
        self.arrived.release()
        assert self.permits.acquire(timeout=PATIENCE)
        self.passed += 1

    def reached(self):
        assert self.arrived.acquire(timeout=PATIENCE)

    def let(self, steps=10_000):
        self.permits.release(steps)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def gate():
    one = Gate()
    yield one
    one.let()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def backend(gate, clock):
    """An engine at work, with room for two in its queue."""
    model = OracleModel(VOCABULARY, context=64, gate=gate)
    parts = STRATEGIES["sequential"](model, Options(64, "cached"))
    tokenizer = Tokenizer.from_dir(locate("story"))
    engine = Engine(*parts, lambda _: Text(tokenizer), context=64)
    one = AsyncEngine(engine, max_queue=2, stall_timeout=60, clock=clock)
    yield one
    gate.let()
    one.close()


def request(name, new=3):
    return Request(str(name), (5, 6, 7), SamplingParams(max_tokens=new, temperature=0))


async def read(stream):
    return [token async for increment in stream for token in increment.ids]


def test_two_may_wait_and_the_next_is_refused(backend, gate):
    async def main():
        streams = [backend.submit(request(n)) for n in range(3)]  # one runs, two wait
        await asyncio.to_thread(gate.reached)
        progress = backend.progress()
        assert (progress.running, progress.waiting, backend.room()) == (1, 2, 0)
        with pytest.raises(QueueFull, match="3 requests run and wait"):
            backend.submit(request("more"))
        gate.let()
        return [await read(stream) for stream in streams]

    assert asyncio.run(main()) == [oracle_tokens((5, 6, 7), 3, VOCABULARY)] * 3


def test_who_is_cancelled_costs_at_most_the_step_under_way(backend, gate):
    async def main():
        first, second = backend.submit(request("a", new=50)), backend.submit(request("b"))
        gate.let(1)
        await anext(first)
        for _ in range(2):
            await asyncio.to_thread(gate.reached)  # the second step is under way
        await first.aclose()
        gate.let()
        assert await read(first) == []
        return await read(second)

    assert asyncio.run(main()) == oracle_tokens((5, 6, 7), 3, VOCABULARY)
    assert gate.passed == 2 + 3


def test_a_stall_is_told_and_idleness_is_none(backend, gate, clock):
    async def main():
        clock.now += 1000
        assert backend.progress().trouble is None
        stream = backend.submit(request("a"))
        await asyncio.to_thread(gate.reached)
        clock.now += 61
        assert (
            backend.progress().trouble == "no step was completed for 61 s; 1 requests wait for one"
        )
        gate.let()
        await read(stream)
        assert backend.progress().trouble is None

    asyncio.run(main())


@pytest.fixture
def port(backend):
    """A server over the engine."""
    tokenizer = Tokenizer.from_dir(locate("story"))
    app = create_app(Service("story", tokenizer, 64, VOCABULARY, backend))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    backend.engine.runner.model.gate = None  # what is still asked for may end
    server.should_exit = True
    thread.join(PATIENCE)


def call(port, method, path, **body):
    """-> the answer, when its head is there"""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    return connection.getresponse()


def complete(port, **body):
    return call(port, "POST", "/v1/completions", max_tokens=3, stream=True, **body)


def test_a_full_queue_is_429_before_a_prompt_is_tokenized(port, gate, monkeypatch):
    first = complete(port, prompt=[5, 6, 7])
    gate.reached()
    tokenized = []
    monkeypatch.setattr(Tokenizer, "encode", lambda self, text: tokenized.append(text) or [1])
    many = complete(port, prompt=["a", "b", "c"])  # all or nothing: there is room for two
    error = json.load(many)["error"]
    assert (many.status, many.getheader("retry-after")) == (429, "1")
    assert error["code"] == "rate_limit_exceeded"
    assert tokenized == []
    two = complete(port, prompt=["a", "b"])  # held, or its connection would be closed
    assert two.status == 200
    assert complete(port, prompt="c").status == 429
    assert tokenized == ["a", "b"]
    gate.let()
    assert b"[DONE]" in first.read()


def test_health_tells_who_waits_and_when_nothing_moves(port, gate, clock):
    answers = [complete(port, prompt=[5, 6, 7]) for _ in range(2)]
    gate.reached()
    fine = call(port, "GET", "/health")
    assert json.load(fine) == {"status": "ok", "running": 1, "waiting": 1}
    clock.now += 61
    ill = call(port, "GET", "/health")
    assert (ill.status, json.load(ill)["status"]) == (503, "failing")
    gate.let()
    assert all(b"[DONE]" in answer.read() for answer in answers)
    assert call(port, "GET", "/health").status == 200
