"""Part 6 · AsyncEngine: the engine in a thread of its own, behind the Backend seam.

Callers live in one event loop. What they ask goes through an inbox, which the thread empties
between two steps; what a step gives goes back through the loop. Nobody polls, and nobody sleeps.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial

from ruvon.engine.backend import Progress
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.core import Output
from ruvon.engine.generate import Increment
from ruvon.errors import RuvonError

log = logging.getLogger("ruvon.engine")


class QueueFull(RuntimeError):
    """As many requests wait as may. Nothing was taken."""


class EngineDead(RuntimeError):
    """The thread has ended, and no step will be computed any more."""


class Stream:
    """One request's increments, for one reader."""

    def __init__(self, owner: "AsyncEngine", id: str) -> None:
        self.owner = owner
        self.id = id
        self.items: asyncio.Queue[Increment | Exception | None] = asyncio.Queue()
        self.over = False

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Increment:
        """The next increment. Raises what the request failed of."""
        item = None if self.over else await self.items.get()
        if isinstance(item, Increment):
            self.over = item.finish_reason is not None
            return item
        self.over = True
        if item is None:
            raise StopAsyncIteration
        raise item

    async def aclose(self) -> None:
        """Cancel the request, unless it has ended."""
        self.over = True
        self.owner.cancel(self.id)


class AsyncEngine:
    """Takes requests from an event loop, and owns the thread that computes them."""

    def __init__(
        self,
        engine: Engine,
        *,
        max_queue: int = 1024,
        stall_timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """At most `max_queue` requests wait. No step for `stall_timeout` seconds is a stall."""
        self.engine = engine
        self.most = engine.scheduler.most_running + max_queue
        self.stall_timeout = stall_timeout
        self.clock = clock
        # In the event loop: who has not got the end of its stream yet.
        self.streams: dict[str, Stream] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.moved = clock()  # when something was last achieved, or begun
        # Between the loop and the thread.
        self.inbox: deque[Callable[[], None]] = deque()
        self.wake = threading.Condition()
        self.closing = False
        self.death: BaseException | None = None
        self.thread = threading.Thread(target=self.work, name="ruvon-engine", daemon=True)
        self.thread.start()

    # In the event loop

    def room(self) -> int:
        """How many more requests would be taken now."""
        return 0 if self.death else self.most - len(self.streams)

    def submit(self, request: Request) -> Stream:
        """Take a request. Raises QueueFull or EngineDead."""
        if self.death:
            raise EngineDead(f"the engine has died of {self.death!r}")
        if self.room() < 1:
            raise QueueFull(f"{len(self.streams):,} requests run and wait; more are not taken")
        assert request.id not in self.streams, "two live requests have the same id"
        if not self.streams:
            self.moved = self.clock()  # it was idle, and that was no stall
        self.loop = asyncio.get_running_loop()
        stream = self.streams[request.id] = Stream(self, request.id)
        self.ask(partial(self.add, request))
        return stream

    def cancel(self, id: str) -> None:
        """End a request before its next step."""
        stream = self.streams.pop(id, None)
        if stream is not None:
            stream.items.put_nowait(None)
            self.ask(partial(self.engine.cancel, id))

    def progress(self) -> Progress:
        """What is being done now, and what is wrong."""
        running = len(self.engine.scheduler.running)
        waiting = max(0, len(self.streams) - running)
        return Progress(running, waiting, self.engine.steps, trouble=self.trouble())

    def trouble(self) -> str | None:
        """Why no step is computed, if one should be."""
        if self.death:
            return f"the engine has died of {self.death!r}"
        silent = self.clock() - self.moved
        if self.streams and silent > self.stall_timeout:
            count = len(self.streams)
            return f"no step was completed for {silent:.0f} s; {count} requests wait for one"
        return None

    def deliver(self, outputs: Sequence[Output]) -> None:
        """Hand a step's outputs to their readers."""
        for output in outputs:
            stream = self.streams.get(output.id)
            if stream is None:  # cancelled while the step was computed
                continue
            item = output.increment or output.error
            if output.increment is None or output.increment.finish_reason:
                del self.streams[output.id]
            stream.items.put_nowait(item)

    def fail_all(self) -> None:
        """Nothing will come any more: tell everybody."""
        for stream in self.streams.values():
            stream.items.put_nowait(EngineDead(f"the engine has died of {self.death!r}"))
        self.streams.clear()

    def close(self) -> None:
        """End the thread, when the step under way has ended."""
        self.closing = True
        self.ask(lambda: None)
        self.thread.join()

    # Between the two

    def ask(self, command: Callable[[], None]) -> None:
        """Have something done between two steps, at once if the engine is idle."""
        with self.wake:
            self.inbox.append(command)
            self.wake.notify()

    def tell(self, callback: Callable[[], None]) -> None:
        """Have something done in the event loop."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(callback)

    # In the thread

    def work(self) -> None:
        """Do what is asked for and compute steps, until the end."""
        try:
            while self.obey():
                before = self.engine.steps
                outputs = self.engine.step()
                if self.engine.steps > before:
                    self.moved = self.clock()
                if outputs:
                    self.tell(partial(self.deliver, outputs))
        except BaseException as error:
            log.exception("the engine has died")
            self.death = error
            self.tell(self.fail_all)

    def obey(self) -> bool:
        """Do what was asked for, and wait while there is nothing to do. False at the end."""
        with self.wake:
            self.wake.wait_for(lambda: self.inbox or self.engine.busy)
            asked = list(self.inbox)
            self.inbox.clear()
        for command in asked:
            command()
        return not self.closing

    def add(self, request: Request) -> None:
        """Give the engine a request. One that it refuses has failed."""
        try:
            self.engine.add(request)
        except RuvonError as error:
            self.tell(partial(self.deliver, [Output(request.id, None, error)]))
