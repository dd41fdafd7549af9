"""Part 4: a chunk that costs nothing to compute, handed on by ever more of the server."""

import asyncio
import socket
import time
from typing import Any

from served import PATIENCE
from served import Served
from served import as_bytes
from served import call
from served import free

from ruvon.engine.backend import Request
from ruvon.engine.direct import Direct
from ruvon.sampling.params import SamplingParams
from ruvon.server.frames import frame


def one_request(chunks: int) -> Request:
    return Request("one", (262,), SamplingParams(max_tokens=chunks))


def generator(chunks: int) -> float:
    """The increments alone. -> seconds"""
    began = time.perf_counter()
    made = sum(1 for _ in free(one_request(chunks)))
    assert made == chunks
    return time.perf_counter() - began


def direct(chunks: int) -> float:
    """The thread and back, once a chunk."""

    async def read() -> float:
        backend = Direct(free)
        began = time.perf_counter()
        made = 0
        async for _ in backend.submit(one_request(chunks)):
            made += 1
        seconds = time.perf_counter() - began
        backend.close()
        assert made == chunks
        return seconds

    return asyncio.run(read())


def through_the_app(chunks: int, served: Served) -> float:
    """The whole app, called without a socket."""
    came: list[float] = []

    async def send(message: Any) -> None:
        if message.get("body", b"").startswith(b"data: {"):
            came.append(time.perf_counter())

    asyncio.run(call(served.app, send, prompt="the", max_tokens=chunks, stream=True))
    assert len(came) == chunks
    return came[-1] - came[0]


def http(chunks: int, port: int) -> tuple[float, int]:
    """Read from a socket as fast as it comes. -> seconds, and bytes after the head."""
    parts, began = [], 0.0
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(as_bytes(prompt="the", max_tokens=chunks, stream=True))
        while part := connection.recv(65536):
            parts.append(part)
            if not began and b"data: {" in part:
                began = time.perf_counter()
        ended = time.perf_counter()
    got = b"".join(parts)
    assert got.count(b"data: {") == chunks
    return ended - began, len(got.partition(b"\r\n\r\n")[2])


def writing(chunks: int) -> float:
    """A chunk as JSON, and no more."""
    value = {
        "id": "cmpl-" + "0" * 32,
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": "story",
        "choices": [{"index": 0, "text": " the", "logprobs": None, "finish_reason": None}],
    }
    began = time.perf_counter()
    for _ in range(chunks):
        frame(value)
    return time.perf_counter() - began
