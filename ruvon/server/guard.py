"""Part 4 · The door: who may come in, how much may be brought, and what an answer is called."""

import asyncio
import hmac
import uuid
from collections.abc import Awaitable
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from ruvon.server.errors import APIError
from ruvon.server.errors import response
from ruvon.server.streams import Message
from ruvon.server.streams import Receive
from ruvon.server.streams import Send

App = Callable[[Message, Receive, Send], Awaitable[None]]

# What a watchdog or a reader may see without a key.
OPEN = ("/", "/health", "/ready", "/version", "/docs", "/openapi.json")
LONGEST_NAME = 128
# Of a body that is not read to its end, the rest has to go with the connection.
CLOSE = {"connection": "close"}


@dataclass
class Door:
    """What the guard goes by. `draining` is set when the server is to end."""

    api_key: str | None = None
    body_bytes: int = 4 * 2**20
    body_seconds: float = 30.0
    draining: bool = False


class Guard:
    """An ASGI app around another: refuses before anything is read, and names every answer."""

    def __init__(self, app: App, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = request_name(headers.get("x-request-id", ""))

        async def named_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = name
            await send(message)

        if refusal := self.refusal(scope, headers):
            await response(refusal)(scope, receive, named_send)
            return
        await self.app(scope, self.limited(receive), named_send)

    def refusal(self, scope: Message, headers: Headers) -> APIError | None:
        """Why a request is not let in."""
        if scope["path"] not in OPEN and not self.has_key(headers):
            return APIError(
                "this server wants an API key: Authorization: Bearer KEY",
                status=401,
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self.door.draining and scope["method"] == "POST":
            return APIError(
                "this server is ending and takes no new requests",
                status=503,
                code="service_unavailable",
                headers={"Retry-After": "5"},
            )
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self.door.body_bytes:
            return APIError(self.too_large(), status=413)
        return None

    def has_key(self, headers: Headers) -> bool:
        """Whether the key is right, or none is asked for. Compared in constant time."""
        if self.door.api_key is None:
            return True
        given = headers.get("authorization", "").encode("latin-1")  # the bytes that were sent
        return hmac.compare_digest(given, f"Bearer {self.door.api_key}".encode())

    def limited(self, receive: Receive) -> Receive:
        """`receive`, for a body that did not announce its size, or that does not come.

        What is received after the body, such as the client's leaving, may take as long as it likes.
        """
        taken, whole = 0, False
        until = asyncio.get_running_loop().time() + self.door.body_seconds

        async def counted() -> Message:
            nonlocal taken, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, self.too_late(), CLOSE) from None
            taken += len(message.get("body", b""))
            if taken > self.door.body_bytes:
                raise HTTPException(413, self.too_large(), CLOSE)
            whole = not message.get("more_body", False)
            return message

        return counted

    def too_late(self) -> str:
        """The limit of time, in words."""
        return f"the body did not arrive within {self.door.body_seconds:g} seconds"

    def too_large(self) -> str:
        """The limit, in words."""
        return f"the body is over this server's limit of {self.door.body_bytes:,} bytes"


def request_name(given: str) -> str:
    """The client's own name for its request, if it can stand in a header; else a new one."""
    fine = 0 < len(given) <= LONGEST_NAME and given.isascii() and given.isprintable()
    return given if fine else uuid.uuid4().hex
