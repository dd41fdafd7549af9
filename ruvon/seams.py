"""Part 1 · The seams: what the rooms of the engine ask of each other.

A transformer treats every token alone, except in one place, attention. So an engine
replaces that one place again and again and leaves the rest alone. This file names the
places that get replaced. It knows tensors and nothing else of Ruvon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from typing import Protocol

import torch
from torch import Tensor

Activation = Literal[
    "gelu",
    "gelu_tanh",
    "relu",
]


@dataclass(frozen=True)
class LayerSpec:
    """What an attention implementation may know about one layer of the model."""

    index: int
    heads: int
    kv_heads: int
    head_dim: int
    # The factor on q·k before the softmax, most often 1 / sqrt(head_dim).
    scale: float


@dataclass(frozen=True)
class Span:
    """The tokens of one sequence in a step: `count` of them, the first at position `start`."""

    start: int
    count: int
    # Whose they are. A cache knows where it keeps them.
    sequence: str = ""  # part 7


class Attention(Protocol):
    """How tokens look at each other. Knows which token belongs to which sequence."""

    def prepare(self, spans: Sequence[Span]) -> None:
        """Learn what the next step holds: one span a sequence, laid end to end."""

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend. q [T, heads, head_dim]; k, v [T, kv_heads, head_dim] -> like q."""


class SequenceAttention(Attention, Protocol):
    """Attention over one sequence alone, which may remember what it has computed."""

    @property
    def computed(self) -> int:
        """How many leading tokens of the sequence need no computing any more."""


class Cache(Protocol):  # part 6
    """Where keys and values live, as a scheduler sees it: who has room, and who gives it back."""

    def admit(self, id: str) -> bool:
        """Give a sequence room, if there is any."""

    def free(self, id: str) -> None:
        """Take back what a sequence has."""


class Linear(Protocol):
    """A projection, however its weight is held."""

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> x @ W + b [T, outputs], then an activation, then a residual."""


class Embedding(Protocol):
    """A table with one row an id."""

    def __call__(self, ids: Tensor) -> Tensor:
        """Look up. ids [T] -> [T, width]."""


class Norm(Protocol):
    """A normalisation of each token's vector."""

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise. x [T, width] -> [T, width]."""


class Loader(Protocol):
    """Where a model gets its pieces. Who replaces the loader replaces the pieces."""

    dtype: torch.dtype
    device: torch.device

    def linear(self, name: str, inputs: int, outputs: int) -> Linear:
        """The projection whose tensors are called `name`.weight and `name`.bias."""

    def embedding(self, name: str, rows: int, width: int) -> Embedding:
        """The table called `name`.weight [rows, width]."""

    def norm(self, name: str, width: int, eps: float) -> Norm:
        """The layer norm whose tensors are called `name`.weight and `name`.bias."""

    def head(self, name: str, inputs: int, outputs: int) -> Linear:
        """The projection to the vocabulary, whose tensor `name`.weight is [outputs, inputs]."""


class Model(Protocol):
    """A function of single tokens, given a way for them to look at each other."""

    # One spec a layer. Caches are built from them.
    layers: tuple[LayerSpec, ...]
    # The longest sequence, in tokens, and the number of entries that the logits score.
    context: int
    vocabulary: int
    # The number format of weights, keys and values, and where they are.
    dtype: torch.dtype
    device: torch.device

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """Run all layers. tokens [T], positions [T] -> hidden [T, width]."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every vocabulary entry. hidden [R, width] -> [R, vocabulary]."""
