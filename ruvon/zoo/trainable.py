"""Part 00 · What makes the model of `models/` trainable: its pieces, and attention over windows.

`models/gpt2.py` knows of neither. A loader hands it weights that learn, and an attention looks
at many stories at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ruvon.models.gpt2 import GPT2Config
from ruvon.models.layers import DenseEmbedding
from ruvon.models.layers import DenseLinear
from ruvon.models.layers import LayerNorm
from ruvon.models.layers import activate
from ruvon.seams import Activation
from ruvon.seams import LayerSpec
from ruvon.seams import Span


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, given the text."""

    layers: int = 8
    width: int = 192
    heads: int = 3
    context: int = 512
    vocabulary: int = 2048
    dropout: float = 0.1
    weight_decay: float = 0.1
    matrix_rate: float = 0.02
    other_rate: float = 3e-3
    warmup: int = 100
    batch: int = 4
    epochs: int = 16
    patience: int = 3
    seed: int = 0

    @property
    def config(self) -> GPT2Config:
        """The network's shape."""
        return GPT2Config(
            vocab_size=self.vocabulary,
            n_positions=self.context,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=self.heads,
        )


class DropoutLinear(DenseLinear):
    """A dense projection that, in training, forgets a share of its outputs."""

    def __init__(self, weight: Tensor, bias: Tensor, loader: "TrainableLoader") -> None:
        super().__init__(weight, bias)
        self.loader = loader

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> [T, outputs]; what is forgotten is the update, not the residual."""
        y = activate(F.linear(x, self.weight, self.bias), then)
        if add is None:
            return y
        return F.dropout(y, self.loader.dropout, self.loader.training) + add


class TrainableLoader:
    """Hands out fresh weights and keeps them by name. GPT-2's initialisation (section 2.3)."""

    def __init__(self, recipe: Recipe) -> None:
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.dtype, self.device = torch.float32, torch.device("cpu")
        self.residual_scale = (2 * recipe.layers) ** -0.5
        self.dropout = recipe.dropout
        self.training = True
        self.weights: dict[str, Tensor] = {}

    def new(self, name: str, *shape: int, std: float = 0.0, mean: float = 0.0) -> Tensor:
        """A trainable tensor under `name`; asking again gives the same one (tied weights)."""
        if name not in self.weights:
            fresh = torch.randn(*shape, generator=self.generator) * std + mean
            self.weights[name] = fresh.requires_grad_()
        return self.weights[name]

    def linear(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """A projection; those that write to the residual stream start smaller."""
        std = 0.02 * (self.residual_scale if name.endswith("c_proj") else 1.0)
        weight = self.new(f"{name}.weight", outputs, inputs, std=std)
        return DropoutLinear(weight, self.new(f"{name}.bias", outputs), self)

    def embedding(self, name: str, rows: int, width: int) -> DenseEmbedding:
        """A table."""
        return DenseEmbedding(self.new(f"{name}.weight", rows, width, std=0.02))

    def norm(self, name: str, width: int, eps: float) -> LayerNorm:
        """A layer norm that starts as the identity."""
        weight = self.new(f"{name}.weight", width, mean=1.0)
        return LayerNorm(weight, self.new(f"{name}.bias", width), eps)

    def head(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """The vocabulary's scores, tied to the table of the same name."""
        return DenseLinear(self.new(f"{name}.weight", outputs, inputs, std=0.02))


class WindowAttention:
    """Causal attention inside each of `count` windows of equal length, laid end to end."""

    computed = 0

    def __init__(self, count: int, loader: TrainableLoader) -> None:
        self.count = count
        self.loader = loader

    def prepare(self, spans: Sequence[Span]) -> None:
        """Nothing to learn: the windows never change."""

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q, k, v [windows * length, heads, head_dim] -> like q."""
        q, k, v = (t.view(self.count, -1, *t.shape[1:]).transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=layer.scale)
        return out.transpose(1, 2).flatten(0, 1)
