"""Part 6 · The oracle model: no weights, and every next token can be told beforehand.

Each token is turned into a few small whole numbers, which depend on it and on its position. They
go through the attention as values, and all queries are zero, so that attention takes the plain mean
of what a token sees. From it comes the sum, and from the sum the next token. A key or value that is
missing, stale, or of another sequence changes the sum, and with it the token.
"""

from collections.abc import Callable
from collections.abc import Sequence

import torch
from torch import Tensor

from ruvon.seams import Attention
from ruvon.seams import LayerSpec

WIDTH = 16
PRIME = 61  # values are smaller, so that their sums are whole numbers in float32, too
LAYERS = 2


def value(token: int, position: int, layer: int, place: int) -> int:
    """One of the numbers that a token is in a layer."""
    return ((token + 1) * (position + place + 2) + (token % 7) * place * place + 17 * layer) % PRIME


def oracle_token(ids: Sequence[int], vocabulary: int) -> int:
    """What comes after `ids`, told without any engine."""
    digest = 0
    for layer in range(LAYERS):
        for place in range(WIDTH):
            total = sum(value(token, at, layer, place) for at, token in enumerate(ids))
            digest += total * (place + 1) * (layer + 1)
    return digest % vocabulary


def oracle_tokens(ids: Sequence[int], count: int, vocabulary: int) -> list[int]:
    """The next `count` tokens after `ids`."""
    known = list(ids)
    for _ in range(count):
        known.append(oracle_token(known, vocabulary))
    return known[len(ids) :]


class OracleModel:
    """A model for tests: through any attention and cache, it must say what `oracle_token` says."""

    def __init__(
        self,
        vocabulary: int = 1000,
        context: int = 1024,
        dtype: torch.dtype = torch.float32,
        device: torch.device = torch.device("cpu"),
        gate: Callable[[], object] | None = None,
    ) -> None:
        """`gate` is called at the beginning of each pass; a test may wait in it, or fail."""
        self.vocabulary, self.context = vocabulary, context
        self.dtype, self.device = dtype, device
        self.layers = tuple(LayerSpec(i, 1, 1, WIDTH, 1.0) for i in range(LAYERS))
        self.gate = gate

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """tokens [T], positions [T] -> hidden [T, 1]: the next token of each."""
        if self.gate is not None:
            self.gate()
        places = torch.arange(WIDTH, device=self.device)  # [WIDTH]
        digest = torch.zeros_like(tokens)  # [T]
        for layer in self.layers:
            mixed = (tokens[:, None] + 1) * (positions[:, None] + places + 2)
            mixed = mixed + (tokens[:, None] % 7) * places * places + 17 * layer.index
            v = (mixed % PRIME).to(self.dtype)[:, None]  # [T, 1, WIDTH]
            mean = attention(layer, torch.zeros_like(v), torch.zeros_like(v), v)[:, 0]
            total = (mean.double() * (positions[:, None] + 1)).round().long()  # [T, WIDTH]
            digest = digest + (total * (places + 1) * (layer.index + 1)).sum(dim=-1)
        return (digest % self.vocabulary)[:, None]

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [R, 1] -> [R, vocabulary]: high for the next token, and 0 for the others."""
        scores = torch.zeros(len(hidden), self.vocabulary, device=self.device)
        return scores.scatter(1, hidden, 30.0)
