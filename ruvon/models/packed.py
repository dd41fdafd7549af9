"""Part 3 · Weights reordered once for the processor's matrix instructions, by oneDNN."""

import torch
from torch import Tensor

from ruvon.errors import RuvonError
from ruvon.models.layers import DenseLinear
from ruvon.seams import Activation

# oneDNN's names of the activations, and the variant where there are two.
EPILOGUES: dict[Activation | None, tuple[str, str]] = {
    None: ("none", ""),
    "gelu": ("gelu", "none"),
    "gelu_tanh": ("gelu", "tanh"),
    "relu": ("relu", ""),
}


class PackedError(RuvonError):
    """oneDNN cannot hold weights for this device and number format."""


class PackedLinear:
    """x @ W + b with W in oneDNN's own order, and what follows done while the outputs are near.

    The operators are those into which `torch.compile` turns a frozen linear layer. Raises
    PackedError where oneDNN has no packed form.
    """

    def __init__(self, dense: DenseLinear) -> None:
        if not can_pack(dense.weight.device, dense.weight.dtype):
            raise PackedError(
                f"oneDNN packs no {dense.weight.dtype} weights on this {dense.weight.device}"
            )
        self.weight = torch.ops.mkldnn._reorder_linear_weight(dense.weight.contiguous(), None)
        self.bias = dense.bias

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> [T, outputs]."""
        multiply = torch.ops.mkldnn._linear_pointwise
        if add is not None and then is None:
            y: Tensor = multiply.binary(x, add, self.weight, self.bias, "add")
            return y
        kind, variant = EPILOGUES[then]
        y = multiply(x, self.weight, self.bias, kind, [], variant)
        return y if add is None else y.add_(add)


def can_pack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN has a packed form for this device and number format."""
    if device.type != "cpu" or not torch._C._has_mkldnn:
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    if dtype == torch.float16:
        return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    return dtype == torch.float32
