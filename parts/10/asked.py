"""Part 10: the server's app called without a socket: what a client would get, as Python values."""

import asyncio
import json
from typing import Any

from ruvon import LLM
from ruvon.engine.async_engine import AsyncEngine
from ruvon.server.app import create_app
from ruvon.server.service import Service


def ask(llm: LLM, path: str, *bodies: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Send bodies one after the other. -> the objects of each answer: one, or a stream's chunks."""
    return asyncio.run(asked(llm, path, bodies))


async def asked(
    llm: LLM, path: str, bodies: tuple[dict[str, Any], ...]
) -> list[list[dict[str, Any]]]:
    """The same, in an event loop: an engine belongs to one."""
    backend = AsyncEngine(llm.new_engine())
    app = create_app(Service("story", llm.tokenizer, llm.context, llm.model.vocabulary, backend))
    try:
        return [objects(await call(app, path, body)) for body in bodies]
    finally:
        backend.close()


async def call(app: Any, path: str, body: dict[str, Any]) -> bytes:
    """Call the app as a server calls it. -> the answer's bytes"""
    given = [{"type": "http.request", "body": json.dumps(body).encode()}]
    sent: list[bytes] = []
    stays = asyncio.Event()  # the client does not leave

    async def receive() -> Any:
        if not given:
            await stays.wait()
        return given.pop()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    return b"".join(sent)


def objects(answer: bytes) -> list[dict[str, Any]]:
    """The JSON in an answer, whole or as events."""
    if answer.startswith(b"{"):
        return [json.loads(answer)]
    lines = [line[6:] for line in answer.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]
