"""Part 6: a server in this process on a free port, a model that can be held, and a client."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.client import HTTPResponse
from typing import Any

import uvicorn
from torch import Tensor

from ruvon.engine.backend import Backend
from ruvon.server.app import create_app
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer

PATH = "/v1/completions"
PATIENCE = 60  # seconds until something that never happens is given up


class Served:
    """The app that `ruvon serve` runs, over any Backend, for as long as a `with` lasts."""

    def __init__(self, backend: Backend, tokenizer: Tokenizer, vocabulary: int = 2048) -> None:
        self.backend = backend
        self.app = create_app(Service("story", tokenizer, 512, vocabulary, backend))
        # Listening before the server runs: who connects early waits, and nobody has to ask again.
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def __enter__(self) -> "Served":
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_level="critical", lifespan="off"))
        serve = {"target": self.server.run, "kwargs": {"sockets": [self.socket]}}
        self.thread = threading.Thread(**serve)  # type: ignore[arg-type]
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        self.backend.close()


class Held:
    """A model whose passes wait until they are let, and that remembers where prompts began."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.arrived, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.passes = 0
        # For each prompt by its first token: which pass read it.
        self.read: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Any) -> Tensor:
        self.passes += 1
        if not int(positions[0]):
            self.read[int(tokens[0])] = self.passes
        self.arrived.release()
        assert self.let.acquire(timeout=PATIENCE)
        return self.model(tokens, positions, attention)

    def stands(self) -> None:
        """Wait until a pass is to begin."""
        assert self.arrived.acquire(timeout=PATIENCE)


def ask(port: int, **body: object) -> HTTPResponse:
    """Send a request. -> the answer, as soon as its head is there."""
    # One answer a connection, so that closing the answer closes the connection.
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", PATH, json.dumps(body), headers)
    return connection.getresponse()


def chunks(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The choice of each chunk of a stream, as it comes."""
    for line in answer:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))["choices"][0]


def health(port: int) -> tuple[int, dict[str, Any]]:
    """What the server says of itself."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/health", headers={"Connection": "close"})
    answer = connection.getresponse()
    return answer.status, json.load(answer)
