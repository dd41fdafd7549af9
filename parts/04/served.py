"""Part 4: a server in this process on a free port, and a client that sees when each byte comes.

As a script, it serves chunks that cost nothing to compute, and prints its port.
"""

import asyncio
import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from http.client import HTTPConnection
from http.client import HTTPResponse
from typing import Any

import uvicorn

from ruvon.engine.backend import Request
from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.server.app import create_app
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PATH = "/v1/completions"
PATIENCE = 60  # seconds until something that never happens is given up

Run = Callable[[Request], Generator[Increment, None, None]]


class Served:
    """The app that `ruvon serve` runs, over Direct, in a thread, for as long as a `with` lasts."""

    def __init__(self, run: Run, tokenizer: Tokenizer, name: str = "story") -> None:
        self.backend = Direct(run)
        self.app = create_app(Service(name, tokenizer, 512, tokenizer.vocab_size, self.backend))
        # Listening before the server runs: who connects early waits, and nobody has to ask again.
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def __enter__(self) -> "Served":
        config = uvicorn.Config(self.app, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        serve = self.server.run
        self.thread = threading.Thread(target=serve, kwargs={"sockets": [self.socket]})
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        self.backend.close()


def ask(port: int, path: str = PATH, **body: object) -> HTTPResponse:
    """Send a request. -> the answer, as soon as its head is there."""
    # One answer a connection, so that closing the answer closes the connection.
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", path, json.dumps(body), headers)
    return connection.getresponse()


def events(answer: HTTPResponse) -> Iterator[str]:
    """The data of each event, as it comes."""
    for line in answer:
        if line.startswith(b"data: "):
            yield line.decode().removeprefix("data: ").rstrip("\n")


def pieces(answer: HTTPResponse) -> Iterator[tuple[float, str, str | None]]:
    """What each chunk of a completion brings: when it came, its text, its reason."""
    for data in events(answer):
        if data != "[DONE]":
            [choice] = json.loads(data)["choices"]
            yield time.perf_counter(), choice["text"], choice["finish_reason"]


def leave(answer: HTTPResponse) -> None:
    """Close the connection in the middle of an answer, as a browser's Stop button does."""
    answer.close()


def as_bytes(**body: object) -> bytes:
    """A request as it goes over the wire."""
    payload = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    return head.encode() + payload


async def call(app: Any, send: Callable[[Any], Awaitable[None]], **body: object) -> None:
    """The app called as a server calls it, and no socket between."""
    given = [{"type": "http.request", "body": json.dumps(body).encode()}]
    stays = asyncio.Event()  # the client does not leave

    async def receive() -> Any:
        if not given:
            await stays.wait()
        return given.pop()

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)


def free(request: Request) -> Generator[Increment, None, None]:
    """Increments that nothing was computed for: what is left is the cost of handing them on."""
    most = request.params.max_tokens or 512
    for _ in range(most - 1):
        yield Increment((262,), None, " the")
    yield Increment((262,), "length", " the")


def main() -> None:
    with Served(free, Tokenizer.from_dir(locate("story"))) as served:
        print(served.port, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
