"""Part 6 · Events: what the engine tells those who want to know."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

# In the order of a request's life; `step` is about all of them.
Kind = Literal[
    "queued",
    "started",
    "computed",
    "finished",
    "cancelled",
    "failed",
    "step",
]


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: Kind
    # By the engine's clock, in seconds.
    time: float
    # How many steps were complete, with `step` its own too.
    step: int
    # Whose it is; None for `step`.
    request: str | None = None
    # queued: prompt (tokens). computed: start, tokens, new. finished: prompt, new.
    # step: entries, tokens, running, waiting, seconds.
    numbers: Mapping[str, float] = field(default_factory=dict)


Subscriber = Callable[[Event], None]
