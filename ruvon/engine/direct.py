"""Part 4 · Direct: one request at a time, and the next one waits. The simplest Backend."""

import asyncio
import sys  # part 6
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from ruvon.engine.backend import Progress
from ruvon.engine.backend import Request
from ruvon.engine.generate import Increment


class Direct:
    """Runs requests in the order in which they came, in one thread of its own.

    The event loop stays free while a step is computed. A step that is under way is never broken
    off, so a request that is cancelled costs at most that one.
    """

    def __init__(self, run: Callable[[Request], Generator[Increment, None, None]]) -> None:
        """`run` gives a request's increments, lazily: a step is computed when it is asked for."""
        self.run = run
        # One thread, so that steps queue in it, and PyTorch keeps its own threads warm.
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ruvon-direct")
        self.turn = asyncio.Lock()
        self.live: set[str] = set()
        self.accepted = 0
        self.running = 0
        self.steps = 0

    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        """The increments, one a step. The next step begins when the next one is asked for."""
        assert request.id not in self.live, "two live requests have the same id"
        self.live.add(request.id)
        self.accepted += 1
        try:
            async with self.turn:
                self.running += 1
                steps = self.run(request)
                try:
                    while request.id in self.live:
                        increment = await self.in_thread(next, steps, None)
                        if increment is None:
                            return
                        self.steps += 1
                        yield increment
                finally:
                    self.running -= 1
                    # Behind the step under way, and not waited for: who cancels may be in a hurry.
                    self.thread.submit(steps.close)
        finally:
            self.accepted -= 1
            self.live.discard(request.id)

    async def in_thread(
        self, call: Callable[..., Increment | None], *arguments: object
    ) -> Increment | None:
        """Call something in the thread, and let other work go on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, call, *arguments)

    def cancel(self, id: str) -> None:
        """End a request before its next step."""
        self.live.discard(id)

    def progress(self) -> Progress:
        """What is being done now."""
        return Progress(self.running, self.accepted - self.running, self.steps)

    def room(self) -> int:  # part 6
        """It takes all that come, and lets them wait."""
        return sys.maxsize

    def close(self) -> None:
        """End the thread, when the step under way has ended."""
        self.thread.shutdown(wait=True, cancel_futures=True)
