"""Part 1 · Full causal attention: the plainest implementation, and the reference for all others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ruvon.seams import LayerSpec
from ruvon.seams import Span


class FullAttention:
    """One sequence, computed whole in every step. It remembers nothing.

    Scaled dot-product attention with a causal mask: Vaswani et al., "Attention Is All You
    Need" (2017), section 3.2.1.
    """

    computed = 0

    def prepare(self, spans: Sequence[Span]) -> None:
        """Take the step's single span, which must be the sequence from its beginning."""
        assert len(spans) == 1, "full attention holds one sequence"
        assert spans[0].start == 0, "full attention remembers nothing: feed every token"

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend to oneself and to what came before. q [T, heads, head_dim] -> like q."""
        return causal_attention(layer, q, k, v)


def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Let the last T of S tokens look at all S, each only at itself and what came before.

    q is [T, heads, head_dim]; k and v are [S, kv_heads, head_dim] with S >= T. -> like q.
    """
    T, S = q.shape[0], k.shape[0]
    shared = layer.heads // layer.kv_heads  # query heads that share one key head
    k = k.repeat_interleave(shared, dim=1)  # [S, heads, head_dim]
    v = v.repeat_interleave(shared, dim=1)
    scores = torch.einsum("thd,shd->hts", q, k) * layer.scale  # [heads, T, S]
    ahead = torch.ones(T, S, dtype=torch.bool, device=q.device).triu(1 + S - T)
    scores = scores.masked_fill(ahead, float("-inf"))  # no token sees what comes after it
    weights = scores.softmax(dim=-1)
    return torch.einsum("hts,shd->thd", weights, v)  # [T, heads, head_dim]
