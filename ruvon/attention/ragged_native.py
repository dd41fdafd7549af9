"""Part 8 · Ragged attention whose decode steps, one token of each sequence, are one call in C."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ruvon.attention.ragged import RaggedAttention
from ruvon.memory.slots import SlotCache
from ruvon.native import NativeError
from ruvon.native import kernel
from ruvon.seams import LayerSpec
from ruvon.seams import Span


class NativeRaggedAttention(RaggedAttention):
    """Many sequences in slots. Chunks take PyTorch's fused attention, single tokens the kernel.

    Raises NativeError where there is no kernel for the cache's device, number format and heads.
    """

    def __init__(self, cache: SlotCache) -> None:
        super().__init__(cache)
        self.kernel = kernel("attend_rows", cache.device, cache.keys[0].dtype)
        sizes = {keys.shape[-1] for keys in cache.keys}
        if any(size % 16 or size > 256 for size in sizes):
            raise NativeError(f"the C kernels take heads of 16 to 256, in steps of 16, not {sizes}")

    def prepare(self, spans: Sequence[Span]) -> None:
        """Part the sequences with one new token from those with a chunk."""
        super().prepare(spans)
        singles = [p for p in self.pieces if p.rows.stop - p.rows.start == 1]
        self.pieces = [p for p in self.pieces if p.rows.stop - p.rows.start > 1]
        self.rows = torch.tensor([p.rows.start for p in singles])  # [R]
        self.slots = torch.tensor([p.slot for p in singles])  # [R]
        self.lengths = torch.tensor([p.length for p in singles])  # [R]

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend. q [T, heads, head_dim] -> like q."""
        if not self.pieces:  # nothing but single tokens, in order: no rows to pick
            return self.singles(layer, q.contiguous(), k.contiguous(), v.contiguous())
        out = super().__call__(layer, q, k, v)
        if len(self.rows):
            rows = self.rows
            out[rows] = self.singles(layer, q[rows], k[rows], v[rows])
        return out

    def singles(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """One token of each sequence. q [R, heads, head_dim] -> like q."""
        out = torch.empty_like(q)
        self.kernel(
            q.data_ptr(),
            k.data_ptr(),
            v.data_ptr(),
            self.cache.keys[layer.index].data_ptr(),
            self.cache.values[layer.index].data_ptr(),
            out.data_ptr(),
            self.slots.data_ptr(),
            self.lengths.data_ptr(),
            len(self.slots),
            layer.heads,
            layer.kv_heads,
            layer.head_dim,
            self.cache.capacity,
            layer.scale,
            torch.get_num_threads(),
        )
        return out
