"""Part 4 · The Backend seam: what a server knows of whatever computes."""

from collections.abc import AsyncIterator
from collections.abc import Awaitable
from dataclasses import dataclass
from dataclasses import replace  # part 5
from typing import Protocol

from ruvon.engine.generate import Increment
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import seeded  # part 5


@dataclass(frozen=True)
class Request:
    """One sequence that somebody wants."""

    # Told apart by it, and no two live ones share it.
    id: str
    # Ids, at least one, and no more than the context takes.
    prompt: tuple[int, ...]
    params: SamplingParams
    # Which of the n continuations of its prompt this is.
    choice: int = 0  # part 5


def choices(request: Request) -> list[Request]:  # part 5
    """One request for each of the n continuations that it asks for, with a seed for all."""
    params = seeded(request.params)
    return [
        replace(request, id=f"{request.id}.{choice}", params=params, choice=choice)
        for choice in range(params.n)
    ]


@dataclass(frozen=True)
class Progress:
    """What a backend is doing."""

    running: int
    waiting: int
    # Steps since it began. A backend that has work, and whose steps do not grow, has stalled.
    steps: int
    # Why no step is computed, although one should be.
    trouble: str | None = None  # part 6


class Stream(Protocol):
    """What a request gains, for one reader. An asynchronous generator is one."""

    def __aiter__(self) -> AsyncIterator[Increment]:
        """Itself."""

    def __anext__(self) -> Awaitable[Increment]:
        """The next increment. Raises what the request failed of."""

    def aclose(self) -> Awaitable[None]:
        """End the request, if it has not ended."""


class Backend(Protocol):
    """Takes requests, and streams what each gains. Called from one event loop."""

    def submit(self, request: Request) -> Stream:
        """Take a request. -> its increments, each when it is computed. Closing them cancels."""

    def cancel(self, id: str) -> None:
        """End a request within two steps, if it is there. Its stream ends without a reason."""

    def progress(self) -> Progress:
        """What is being done. Never waits."""

    def room(self) -> int:  # part 6
        """How many more requests it would take now."""

    def close(self) -> None:
        """End what computes, when the step under way has ended."""
