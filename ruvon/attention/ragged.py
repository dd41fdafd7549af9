"""Part 7 · Ragged attention: sequences of any lengths end to end, and none sees another."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ruvon.attention.cached import causal_mask
from ruvon.memory.slots import SlotCache
from ruvon.seams import LayerSpec
from ruvon.seams import Span


@dataclass(frozen=True)
class Piece:
    """One sequence's tokens in a step: where they are, and what they may see."""

    rows: slice  # of the flat tokens
    slot: int
    length: int  # of the sequence, the new tokens included
    # [new, length] for a later chunk of several tokens; None where no mask is needed.
    mask: Tensor | None


class RaggedAttention:
    """Many sequences, whose computed tokens live in the slots of a cache."""

    def __init__(self, cache: SlotCache) -> None:
        self.cache = cache
        self.pieces: list[Piece] = []

    def prepare(self, spans: Sequence[Span]) -> None:
        """Make room for the step's tokens, and note where each sequence's are."""
        cache, first = self.cache, 0
        self.pieces = []
        for span in spans:
            assert cache.lengths[span.sequence] == span.start, "a step begins where the last ended"
            cache.grow(span.sequence, span.count)
            end, after = span.start + span.count, first + span.count
            # One token sees everything, and a first chunk is plainly causal: no mask is needed.
            later_chunk = 1 < span.count < end
            mask = causal_mask(span.count, end, cache.device) if later_chunk else None
            slot = cache.slot_of[span.sequence]
            self.pieces.append(Piece(slice(first, after), slot, end, mask))
            first = after

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Store the new keys and values, and let each sequence attend to its own. -> like q."""
        out = torch.empty_like(q)
        for piece in self.pieces:
            rows = piece.rows
            self.cache.write(layer, piece.slot, piece.length, k[rows], v[rows])
            out[rows] = self.attend(layer, piece, q[rows])
        return out

    def attend(self, layer: LayerSpec, piece: Piece, q: Tensor) -> Tensor:
        """One sequence's new tokens. q [new, heads, head_dim] -> like q."""
        keys, values = self.cache.view(layer, piece.slot, piece.length)
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1)[None],  # [1, heads, new, head_dim]
            keys[None],
            values[None],
            attn_mask=piece.mask,
            is_causal=1 < q.shape[0] == piece.length,
            scale=layer.scale,
            enable_gqa=layer.heads != layer.kv_heads,
        )
        return out[0].transpose(0, 1)
