"""Part 4 · The Backend seam: what a server knows of whatever computes."""

from collections.abc import AsyncGenerator
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


class Backend(Protocol):
    """Takes requests, and streams what each gains. Called from one event loop."""

    def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        """Take a request. -> its increments, each when it is computed. Closing them cancels."""

    def cancel(self, id: str) -> None:
        """End a request within two steps, if it is there. Its stream ends without a reason."""

    def progress(self) -> Progress:
        """What is being done. Never waits."""
