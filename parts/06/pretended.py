"""Part 6: a server whose steps are pretended, over either backend. Prints its port.

A step is a sleep, which leaves the processor alone as a GPU would: what is left is handing over.
"""

import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace

from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.backend import Request
from ruvon.engine.core import Output
from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

sys.path.insert(0, str(Path(__file__).parent))
from served import Served

STEP_SECONDS = 0.002


def pretended(request: Request) -> Generator[Increment, None, None]:
    """A step and its increment, again and again."""
    most = request.params.max_tokens or 512
    for number in range(1, most + 1):
        time.sleep(STEP_SECONDS)
        yield Increment((262,), "length" if number == most else None, " the")


class Pretended:
    """In the place of Engine: the same calls, one request after the other, and no model."""

    def __init__(self) -> None:
        self.scheduler = SimpleNamespace(most_running=1, running={})
        self.waiting: deque[tuple[str, Generator[Increment, None, None]]] = deque()
        self.steps = 0

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def add(self, request: Request) -> None:
        self.waiting.append((request.id, pretended(request)))

    def cancel(self, id: str) -> None:
        self.waiting = deque(one for one in self.waiting if one[0] != id)

    def step(self) -> list[Output]:
        if not self.waiting:
            return []
        self.steps += 1
        id, increments = self.waiting[0]
        increment = next(increments)
        if increment.finish_reason:
            self.waiting.popleft()
        return [Output(id, increment)]


def main() -> None:
    ways = {
        "direct": lambda: Direct(pretended),
        "engine": lambda: AsyncEngine(Pretended()),  # type: ignore[arg-type]
    }
    with Served(ways[sys.argv[1]](), Tokenizer.from_dir(locate("story"))) as served:
        print(served.port, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
