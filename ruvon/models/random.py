"""Part 1 · Random weights: a network of any shape, without a file."""

import torch
from torch import Tensor

from ruvon.models.layers import DenseEmbedding
from ruvon.models.layers import DenseLinear
from ruvon.models.layers import LayerNorm


class RandomLoader:
    """Hands a model fresh weights, the same for the same seed. What it says means nothing."""

    def __init__(self, dtype: torch.dtype, device: torch.device, seed: int = 0) -> None:
        self.dtype = dtype
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)
        self.tables: dict[str, Tensor] = {}

    def normal(self, *shape: int) -> Tensor:
        """A tensor of small random numbers."""
        out = torch.empty(shape, dtype=self.dtype, device=self.device)
        return out.normal_(0.0, 0.02, generator=self.generator)

    def linear(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """A projection, stored [inputs, outputs] as GPT-2's files do, so that it is as fast."""
        return DenseLinear(self.normal(inputs, outputs).t(), self.normal(outputs))

    def embedding(self, name: str, rows: int, width: int) -> DenseEmbedding:
        """A table."""
        self.tables[name] = self.normal(rows, width)
        return DenseEmbedding(self.tables[name])

    def norm(self, name: str, width: int, eps: float) -> LayerNorm:
        """A layer norm."""
        return LayerNorm(1 + self.normal(width), self.normal(width), eps)

    def head(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """The vocabulary's scores; under the embedding's name, tied to it."""
        weight = self.tables[name] if name in self.tables else self.normal(outputs, inputs)
        return DenseLinear(weight)
