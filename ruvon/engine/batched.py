"""Part 7 · Static batching: a few sequences start together, and the slowest ends the batch."""

from ruvon.engine.scheduler import Batch
from ruvon.engine.scheduler import Entry
from ruvon.engine.scheduler import Scheduler
from ruvon.seams import Cache


class StaticBatch(Scheduler):
    """Up to `size` sequences at once. Nobody joins before all of them have ended."""

    def __init__(self, cache: Cache, size: int) -> None:
        super().__init__(cache)
        self.most_running = size

    def schedule(self) -> Batch:
        """All that is missing, of all that run."""
        if not self.running:
            while len(self.running) < self.most_running and self.start_next():
                pass
        return Batch(tuple(Entry(s, s.computed, s.missing) for s in self.running.values()))
