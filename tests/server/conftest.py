import asyncio
import threading

import httpx2
import pytest
import uvicorn

from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.engine.text import Text
from ruvon.server.app import create_app
from ruvon.server.guard import Door
from ruvon.server.run import DrainingServer
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PATIENCE = 60  # seconds until something that never happens is given up


@pytest.fixture(scope="session")
def tokenizer():
    return Tokenizer.from_dir(locate("story"))


class Scripted:
    """A backend's run that says a given text, step by step, and only as far as it is let.

    A prompt that begins with the text "fail" fails at its second step.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.script = tokenizer.encode(" a tiny café 🐉 sat on the mat, and slept." * 20)
        self.steps = []  # (request, number) of every step computed
        self.ended = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.free = True

    def hold(self):
        """From now on each step waits to be let."""
        self.free = False

    def let(self, steps):
        self.gate.release(steps)

    def run(self, request):
        stop = request.params.stop
        text = StoppedText(self.tokenizer, stop) if stop else Text(self.tokenizer)
        most = min(request.params.max_tokens or len(self.script), len(self.script))
        fails = self.tokenizer.decode(request.prompt).startswith("fail")
        try:
            for number, token in enumerate(self.script[:most], start=1):
                if not self.free:
                    assert self.gate.acquire(timeout=PATIENCE)
                self.steps.append((request.id, number))
                if fails and number == 2:
                    raise ZeroDivisionError("planted")
                made = text.add(Increment((token,), "length" if number == most else None))
                yield made
                if made.finish_reason:
                    return
        finally:
            self.ended.release()


@pytest.fixture(scope="module")
def short_service(tokenizer):
    """A service whose answers are short."""
    scripted = Scripted(tokenizer)
    scripted.script = scripted.script[:12]
    backend = Direct(scripted.run)
    yield Service("toy", tokenizer, 512, 2048, backend)
    backend.close()


class Server:
    """A server on a port of its own, in a thread."""

    def __init__(self, run, tokenizer, context=512, door=None, backend=None):
        self.backend = backend or (lambda: Direct(run))
        self.door = door or Door()
        self.ready = threading.Event()
        self.tokenizer, self.context = tokenizer, context
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))
        self.thread.start()
        assert self.ready.wait(PATIENCE)

    async def serve(self):
        backend = self.backend()
        self.service = Service("toy", self.tokenizer, self.context, 2048, backend)
        config = uvicorn.Config(
            create_app(self.service, self.door), port=0, log_level="error", lifespan="off"
        )
        self.server = DrainingServer(config, self.door, backend, timeout_seconds=PATIENCE)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.ready.set()
        await serving
        backend.close()

    def client(self):
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def close(self):
        self.server.should_exit = True
        self.thread.join(PATIENCE)


@pytest.fixture
def scripted(tokenizer):
    return Scripted(tokenizer)


@pytest.fixture
def server(scripted, tokenizer):
    running = Server(scripted.run, tokenizer)
    yield running
    scripted.let(100_000)
    running.close()


@pytest.fixture
def client(server):
    with server.client() as one:
        yield one


@pytest.fixture
def serve(scripted, tokenizer):
    """Makes a server with a door of its own. -> its client"""
    running, clients = [], []

    def make(**door):
        running.append(Server(scripted.run, tokenizer, door=Door(**door)))
        clients.append(running[-1].client())
        return clients[-1], running[-1]

    yield make
    scripted.let(100_000)
    for one in (*clients, *running):
        one.close()
