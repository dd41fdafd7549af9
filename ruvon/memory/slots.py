"""Part 7 · Slots: a cache for many sequences, each with as much room as the longest may need."""

from collections.abc import Sequence
from heapq import heappop
from heapq import heappush

import torch
from torch import Tensor

from ruvon.memory.contiguous import CacheFull
from ruvon.memory.contiguous import CacheStats
from ruvon.seams import LayerSpec


class SlotCache:
    """Keys and values of up to `slots` sequences, each `capacity` tokens long, preallocated.

    Each layer has a tensor for keys and one for values, [slots, kv_heads, capacity, head_dim].
    """

    def __init__(
        self,
        layers: Sequence[LayerSpec],
        slots: int,
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        def room(layer: LayerSpec) -> Tensor:
            shape = (slots, layer.kv_heads, capacity, layer.head_dim)
            return torch.empty(shape, dtype=dtype, device=device)

        self.slots = slots
        self.capacity = capacity
        self.device = device
        self.keys = [room(layer) for layer in layers]
        self.values = [room(layer) for layer in layers]
        self.unused = list(range(slots))  # a heap: the lowest is taken first
        self.slot_of: dict[str, int] = {}
        self.lengths: dict[str, int] = {}

    def admit(self, id: str) -> bool:
        """Give a sequence a slot, if one is free."""
        assert id not in self.slot_of, f"{id} has a slot already"
        if not self.unused:
            return False
        self.slot_of[id] = heappop(self.unused)
        self.lengths[id] = 0
        return True

    def grow(self, id: str, count: int) -> None:
        """Make room for `count` more tokens. Raises CacheFull, and then nothing has changed."""
        if self.lengths[id] + count > self.capacity:
            raise CacheFull(
                f"{id} has {self.lengths[id]:,} of {self.capacity:,} tokens in its slot, and "
                f"{count:,} more do not fit"
            )
        self.lengths[id] += count

    def free(self, id: str) -> None:
        """Take a slot back. What it holds stays, and the next one writes over it."""
        heappush(self.unused, self.slot_of.pop(id))
        del self.lengths[id]

    def write(self, layer: LayerSpec, slot: int, end: int, k: Tensor, v: Tensor) -> None:
        """Store one sequence's tokens before `end`. k, v [count, kv_heads, head_dim]."""
        start = end - k.shape[0]
        self.keys[layer.index][slot, :, start:end] = k.transpose(0, 1)
        self.values[layer.index][slot, :, start:end] = v.transpose(0, 1)

    def view(self, layer: LayerSpec, slot: int, length: int) -> tuple[Tensor, Tensor]:
        """Keys and values of one sequence, each [kv_heads, length, head_dim]. No copy."""
        keys, values = self.keys[layer.index], self.values[layer.index]
        return keys[slot, :, :length], values[slot, :, :length]

    def stats(self) -> CacheStats:
        """How full it is."""
        allocated = sum(t.nbytes for t in (*self.keys, *self.values))
        return CacheStats(sum(self.lengths.values()), self.slots * self.capacity, allocated)
