"""Part 1 · The pieces a model is made of: plain tensors and one function each."""

import torch.nn.functional as F
from torch import Tensor

from ruvon.seams import Activation


def activate(x: Tensor, then: Activation | None) -> Tensor:
    """Apply the named activation, or none. Any shape -> the same shape."""
    if then is None:
        return x
    if then == "relu":
        return F.relu(x)
    # GPT-2 was trained with the tanh approximation (Hendrycks and Gimpel 2016, section 2).
    return F.gelu(x, approximate="tanh" if then == "gelu_tanh" else "none")


class DenseLinear:
    """x @ W + b with a plain weight [outputs, inputs]: the reference for every other Linear."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight = weight
        self.bias = bias

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> [T, outputs]."""
        y = activate(F.linear(x, self.weight, self.bias), then)
        return y if add is None else y + add


class DenseEmbedding:
    """A table [rows, width]."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def __call__(self, ids: Tensor) -> Tensor:
        """ids [T] -> [T, width]."""
        return F.embedding(ids, self.weight)


class LayerNorm:
    """Mean 0, variance 1, then scale and shift (Ba et al. 2016, section 3)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, eps: float) -> None:
        self.weight = weight
        self.bias = bias
        self.eps = eps

    def __call__(self, x: Tensor) -> Tensor:
        """x [T, width] -> [T, width]."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
