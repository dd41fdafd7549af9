"""Part 6 · A sequence: a request with a life of its own."""

from dataclasses import dataclass
from enum import StrEnum

from ruvon.engine.backend import Request


class Status(StrEnum):
    """Where a sequence is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


# What each may become. Whoever has ended stays as it is.
NEXT: dict[Status, tuple[Status, ...]] = {
    Status.WAITING: (
        Status.RUNNING,
        Status.CANCELLED,
        Status.FAILED,
    ),
    Status.RUNNING: (
        Status.FINISHED,
        Status.CANCELLED,
        Status.FAILED,
    ),
    Status.FINISHED: (),
    Status.CANCELLED: (),
    Status.FAILED: (),
}


@dataclass(eq=False)
class Sequence:
    """The one value that changes while the engine runs. Only a scheduler changes it."""

    request: Request
    # Every known token: the prompt, and what was sampled.
    ids: list[int]
    # The ids that end it, and the length, prompt included, at which it ends anyway.
    stops: frozenset[int]
    limit: int
    # How many leading tokens need no computing any more: their keys and values are kept.
    computed: int = 0
    status: Status = Status.WAITING

    @property
    def id(self) -> str:
        """The id of its request."""
        return self.request.id

    @property
    def missing(self) -> int:
        """How many tokens are known and not computed: all of a new prompt, then one a step."""
        return len(self.ids) - self.computed

    def become(self, status: Status) -> None:
        """Go on to another status. Raises RuntimeError when no path leads there."""
        if status not in NEXT[self.status]:
            raise RuntimeError(f"request {self.id} is {self.status} and cannot become {status}")
        self.status = status
