"""Part 3 · Cached attention: new tokens look at all keys and values, old ones stay computed."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ruvon.memory.contiguous import ContiguousCache
from ruvon.seams import LayerSpec
from ruvon.seams import Span


class CachedAttention:
    """One sequence, whose computed tokens live in a cache."""

    def __init__(self, cache: ContiguousCache) -> None:
        self.cache = cache
        self.mask: Tensor | None = None

    @property
    def computed(self) -> int:
        """How many tokens the cache holds."""
        return self.cache.length

    def prepare(self, spans: Sequence[Span]) -> None:
        """Make room for the step's tokens. Raises CacheFull before the model has run."""
        assert len(spans) == 1, "a contiguous cache holds one sequence"
        assert spans[0].start == self.cache.length, "a step begins where the last one ended"
        self.cache.grow(spans[0].count)
        new, total = spans[0].count, self.cache.length
        # One token sees everything, and a first chunk is plainly causal: neither needs a mask.
        later_chunk = 1 < new < total
        self.mask = causal_mask(new, total, self.cache.device) if later_chunk else None

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Append the new keys and values, and attend. q [T, heads, head_dim] -> like q."""
        self.cache.write(layer, k, v)
        keys, values = self.cache.view(layer)  # [kv_heads, S, head_dim]
        T, S = q.shape[0], keys.shape[1]
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1)[None],  # [1, heads, T, head_dim]
            keys[None],
            values[None],
            attn_mask=self.mask,
            is_causal=1 < T == S,
            scale=layer.scale,
            enable_gqa=layer.heads != layer.kv_heads,
        )
        return out[0].transpose(0, 1)  # [T, heads, head_dim]


def causal_mask(new: int, total: int, device: torch.device) -> Tensor:
    """Which of `total` tokens each of the last `new` may see: itself and what came before."""
    ones = torch.ones(new, total, dtype=torch.bool, device=device)
    return ones.tril(total - new)  # [new, total]
