"""Part 3 · A contiguous cache: the keys and values of one sequence, allocated at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ruvon.errors import RuvonError
from ruvon.seams import LayerSpec


class CacheFull(RuvonError):
    """A step needs more room than the cache has. Nothing was computed."""


@dataclass(frozen=True)
class CacheStats:
    """How full a cache is."""

    tokens: int
    capacity: int
    # Bytes of the allocated tensors, all layers, keys and values.
    allocated: int

    @property
    def used(self) -> int:
        """Bytes that hold real tokens."""
        return self.allocated * self.tokens // self.capacity


def bytes_per_token(layers: Sequence[LayerSpec], dtype: torch.dtype) -> int:
    """What one token costs: a key and a value of every head of every layer."""
    return sum(2 * layer.kv_heads * layer.head_dim * dtype.itemsize for layer in layers)


class ContiguousCache:
    """One sequence's keys and values, `capacity` tokens long, preallocated.

    Each layer has a tensor for keys and one for values, [kv_heads, capacity, head_dim]: heads
    first, so that the tokens of one head lie side by side, in the order attention reads them.
    """

    def __init__(
        self,
        layers: Sequence[LayerSpec],
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        def room(layer: LayerSpec) -> Tensor:
            shape = (layer.kv_heads, capacity, layer.head_dim)
            return torch.empty(shape, dtype=dtype, device=device)

        self.capacity = capacity
        self.device = device
        self.length = 0
        self.keys = [room(layer) for layer in layers]
        self.values = [room(layer) for layer in layers]

    def grow(self, count: int) -> None:
        """Make room for `count` more tokens. Raises CacheFull, and then nothing has changed."""
        if self.length + count > self.capacity:
            raise CacheFull(
                f"the cache holds {self.length:,} of {self.capacity:,} tokens and cannot take "
                f"{count:,} more; give it a larger capacity, or a shorter prompt"
            )
        self.length += count

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        """Store the newest tokens of one layer. k, v are [count, kv_heads, head_dim]."""
        start = self.length - k.shape[0]
        self.keys[layer.index][:, start : self.length] = k.transpose(0, 1)
        self.values[layer.index][:, start : self.length] = v.transpose(0, 1)

    def view(self, layer: LayerSpec) -> tuple[Tensor, Tensor]:
        """All keys and values of one layer so far, each [kv_heads, length, head_dim]. No copy."""
        keys, values = self.keys[layer.index], self.values[layer.index]
        return keys[:, : self.length], values[:, : self.length]

    def free(self) -> None:
        """Forget the sequence; the memory stays for the next one."""
        self.length = 0

    def stats(self) -> CacheStats:
        """How full it is."""
        allocated = sum(t.nbytes for t in (*self.keys, *self.values))
        return CacheStats(self.length, self.capacity, allocated)
