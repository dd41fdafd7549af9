"""Part 4 · Streams: several as one, with a sign of life in silence, until the client is gone."""

import asyncio
from collections.abc import AsyncGenerator
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import MutableMapping
from collections.abc import Sequence
from contextlib import aclosing
from contextlib import suppress
from typing import Any
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response

from ruvon.engine.backend import Stream
from ruvon.engine.generate import Increment
from ruvon.server.errors import failed
from ruvon.server.frames import HEADERS
from ruvon.server.frames import PING

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client has closed the connection, so nobody waits for an answer."""


async def merged(
    streams: Sequence[Stream],
) -> AsyncGenerator[tuple[int, Increment], None]:
    """What several streams give, as it comes, each with the number of its stream.

    No stream runs further ahead than one item. When one fails, or the reader leaves, all end.
    """
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for item in only:
                yield 0, item
        return
    items: asyncio.Queue[tuple[int, Increment] | BaseException | None] = asyncio.Queue(maxsize=1)

    async def pump(index: int, stream: Stream) -> None:
        try:
            async with aclosing(stream) as source:
                async for item in source:
                    await items.put((index, item))
        except Exception as error:
            await items.put(error)
        else:
            await items.put(None)

    tasks = [asyncio.create_task(pump(index, stream)) for index, stream in enumerate(streams)]
    try:
        left = len(tasks)
        while left:
            got = await items.get()
            if isinstance(got, BaseException):
                raise got
            if got is None:
                left -= 1
            else:
                yield got
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def with_pings(
    frames: AsyncGenerator[bytes, None], seconds: float
) -> AsyncGenerator[bytes, None]:
    """The same frames, and a comment whenever nothing has come for so long."""
    async with aclosing(frames) as source:
        waiting: asyncio.Task[bytes] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(source))
                done, _ = await asyncio.wait({waiting}, timeout=seconds)
                if not done:
                    yield PING
                    continue
                ready, waiting = waiting, None
                try:
                    yield ready.result()
                except StopAsyncIteration:
                    return
        finally:
            if waiting:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)


async def until_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do some work, and end it when the client leaves. Raises ClientGone then."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(left(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def left(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def whole(
    request: Request,
    work: Coroutine[Any, Any, dict[str, Any]],
    streams: Sequence[Stream],
    headers: dict[str, str],
) -> Response:
    """What some work makes of streams, as JSON, for as long as the client is there."""
    try:
        return JSONResponse(await until_gone(request.receive, work), headers=headers)
    except ClientGone:
        return Response(status_code=499)  # nobody reads it
    except Exception as error:
        raise failed(error) from error
    finally:
        await closed(streams)


class EventStream(Response):
    """Server-sent events. The streams behind them are closed however the answer ends."""

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        streams: Sequence[Stream],
        headers: dict[str, str],
    ) -> None:
        super().__init__(headers={**HEADERS, **headers})
        del self.headers["content-length"]
        self.frames = frames
        self.streams = streams

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Send the frames, one by one."""

        async def send_all() -> None:
            headers = self.raw_headers
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async with aclosing(self.frames) as frames:
                async for data in frames:
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            with suppress(ClientGone, OSError):
                await until_gone(receive, send_all())
        finally:
            await closed(self.streams)


async def closed(streams: Sequence[Stream]) -> None:
    """Close streams, also those that nobody has begun to read."""
    for stream in streams:
        await stream.aclose()
