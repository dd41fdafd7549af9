"""Part 3 · Weights read at the memory's speed: a Linear computed by a kernel in C."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ruvon.models.layers import DenseLinear
from ruvon.native import kernel
from ruvon.processor import ask_huge_pages
from ruvon.seams import Activation

WIDTH = 32  # of a panel, as linear.c has it
# How linear.c numbers the activations.
CODES: dict[Activation | None, int] = {None: 0, "gelu": 1, "gelu_tanh": 2, "relu": 3}


class NativeLinear:
    """x @ W + b, with the activation and the residual in the same pass over the outputs.

    W lies in panels of 32 outputs, in the order in which the kernel reads it. Sums are float32,
    whatever the format of the weights. Raises NativeError where there is no kernel.
    """

    def __init__(self, dense: DenseLinear) -> None:
        self.kernel = kernel("linear", dense.weight.device, dense.weight.dtype)
        self.outputs, self.inputs = dense.weight.shape
        self.panels = to_panels(dense.weight)
        self.bias = None if dense.bias is None else dense.bias.contiguous()

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> [T, outputs]."""
        x = x.contiguous()
        add = None if add is None else add.contiguous()
        y = torch.empty(x.shape[0], self.outputs, dtype=x.dtype)
        self.kernel(
            x.data_ptr(),
            self.panels.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(),
            None if add is None else add.data_ptr(),
            y.data_ptr(),
            x.shape[0],
            self.inputs,
            self.outputs,
            CODES[then],
            torch.get_num_threads(),
        )
        return y


def to_panels(weight: Tensor) -> Tensor:
    """Reorder: [outputs, inputs] -> [panels, inputs, 32], the last panel filled up with zeros."""
    outputs, inputs = weight.shape
    count = -(-outputs // WIDTH)
    panels = torch.empty(count, inputs, WIDTH, dtype=weight.dtype)
    ask_huge_pages(panels)
    whole = outputs // WIDTH
    panels[:whole] = weight[: whole * WIDTH].view(whole, WIDTH, inputs).transpose(1, 2)
    if whole < count:
        rest = F.pad(weight[whole * WIDTH :], (0, 0, 0, count * WIDTH - outputs))
        panels[whole] = rest.t()
    return panels
