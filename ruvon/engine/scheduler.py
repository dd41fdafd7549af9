"""Part 6 · The scheduler: which sequences compute how many tokens in this step."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from ruvon.engine.generate import FinishReason
from ruvon.engine.sequence import Sequence
from ruvon.engine.sequence import Status
from ruvon.seams import Cache


@dataclass(frozen=True)
class Entry:
    """A sequence's share of a step."""

    sequence: Sequence
    # Its first token to compute, and how many.
    start: int
    count: int

    @property
    def ready(self) -> bool:
        """Whether all that is known is computed then, so that the next token can be sampled."""
        return self.start + self.count == len(self.sequence.ids)


@dataclass(frozen=True)
class Batch:
    """What one step computes."""

    entries: tuple[Entry, ...]


class Scheduler:
    """Who waits, who runs, and who is next. Subclasses say what a step is made of."""

    # How many sequences may run at once.
    most_running = 1

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        # By id, in order of arrival: the first is next, and one that gives up leaves at once.
        self.waiting: OrderedDict[str, Sequence] = OrderedDict()
        self.running: dict[str, Sequence] = {}

    def schedule(self) -> Batch:
        """The next step. Without entries when there is nothing to do."""
        raise NotImplementedError

    def add(self, sequence: Sequence) -> None:
        """Put a new sequence at the end of the queue."""
        self.waiting[sequence.id] = sequence

    def start_next(self) -> bool:
        """Let the first in the queue run, if there is one and the cache has room for it."""
        first = next(iter(self.waiting.values()), None)
        if first is None or not self.cache.admit(first.id):
            return False
        del self.waiting[first.id]
        first.become(Status.RUNNING)
        self.running[first.id] = first
        return True

    def commit(self, entry: Entry, ids: Iterable[int]) -> FinishReason | None:
        """Write down what a step did for a sequence. -> why it ends, if one of its new ids says so.

        The ids after the one that ends it are dropped.
        """
        sequence = entry.sequence
        sequence.computed += entry.count
        for token in ids:
            sequence.ids.append(token)
            if token in sequence.stops:
                return "stop"
            if len(sequence.ids) == sequence.limit:
                return "length"
        return None

    def end(self, sequence: Sequence, status: Status) -> None:
        """Take a sequence out, wherever it is, and give back what it held."""
        sequence.become(status)
        if self.waiting.pop(sequence.id, None) is None:
            del self.running[sequence.id]
            self.cache.free(sequence.id)


class Sequential(Scheduler):
    """One sequence at a time, first come, first served, and the others wait for its end."""

    def schedule(self) -> Batch:
        """All that is missing of the one that runs."""
        if not self.running:
            self.start_next()
        entries = (Entry(s, s.computed, s.missing) for s in self.running.values())
        return Batch(tuple(entries))
