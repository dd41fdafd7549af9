"""Part 6 · A cache for one sequence, as a scheduler asks of it."""

from ruvon.memory.contiguous import CacheStats
from ruvon.memory.contiguous import ContiguousCache


class SingleCache:
    """A contiguous cache that one sequence has at a time."""

    def __init__(self, cache: ContiguousCache) -> None:
        self.cache = cache
        self.holder: str | None = None

    def admit(self, id: str) -> bool:
        """Give the cache to a sequence, if nobody has it."""
        if self.holder is not None:
            return False
        self.holder = id
        return True

    def free(self, id: str) -> None:
        """Take it back."""
        assert self.holder == id, f"{id} gives back what {self.holder} has"
        self.holder = None
        self.cache.free()

    def stats(self) -> CacheStats:
        """How full it is."""
        return self.cache.stats()
