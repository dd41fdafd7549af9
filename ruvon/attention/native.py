"""Part 3 · Cached attention whose single-token case, a decode step, is a C kernel."""

import torch
from torch import Tensor

from ruvon.attention.cached import CachedAttention
from ruvon.memory.contiguous import ContiguousCache
from ruvon.native import kernel
from ruvon.seams import LayerSpec


class NativeCachedAttention(CachedAttention):
    """One sequence in a cache. A prompt takes PyTorch's fused attention, a single token ours.

    Raises NativeError where there is no kernel for the cache's device and number format.
    """

    def __init__(self, cache: ContiguousCache) -> None:
        super().__init__(cache)
        self.kernel = kernel("attend", cache.device, cache.keys[0].dtype)

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Append the new keys and values, and attend. q [T, heads, head_dim] -> like q."""
        if q.shape[0] > 1 or layer.head_dim % 16 or layer.head_dim > 256:
            return super().__call__(layer, q, k, v)
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        out = torch.empty_like(q)
        self.kernel(
            q.data_ptr(),
            k.data_ptr(),
            v.data_ptr(),
            self.cache.keys[layer.index].data_ptr(),
            self.cache.values[layer.index].data_ptr(),
            out.data_ptr(),
            layer.heads,
            layer.kv_heads,
            layer.head_dim,
            self.cache.length,
            self.cache.capacity,
            layer.scale,
            torch.get_num_threads(),
        )
        return out
