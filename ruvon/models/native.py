"""Part 3 · Weights read at the memory's speed: a Linear whose few-token case is a C kernel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ruvon.models.layers import DenseLinear
from ruvon.models.layers import activate
from ruvon.native import NativeError
from ruvon.native import kernel
from ruvon.processor import ask_huge_pages
from ruvon.seams import Activation

# Up to here reading the weights is the work; above, multiplying is, and PyTorch does it better.
FEW = 16
# How linear.c numbers the activations.
CODES: dict[Activation | None, int] = {None: 0, "gelu": 1, "gelu_tanh": 2, "relu": 3}


class NativeLinear:
    """x @ W + b, with the activation and the residual in the same pass over the outputs.

    Sums are float32, whatever the format of the weights. Raises NativeError where there are no
    kernels, or the sizes do not fill the kernel's tiles.
    """

    def __init__(self, dense: DenseLinear, scratch: "Scratch") -> None:
        outputs, inputs = dense.weight.shape
        if inputs % 32 or outputs < 4:
            raise NativeError(f"a weight of {outputs} x {inputs} does not fill the kernel's tiles")
        self.scratch = scratch
        self.weight = in_huge_pages(dense.weight)  # [outputs, inputs]
        self.bias = None if dense.bias is None else dense.bias.contiguous()
        self.outputs, self.inputs = outputs, inputs
        self.dtype = self.weight.dtype
        self.kernel = kernel("linear", self.weight.device, self.dtype)
        self.activate = kernel("activate", self.weight.device, torch.float32)

    def __call__(
        self,
        x: Tensor,
        then: Activation | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """x [T, inputs] -> [T, outputs]."""
        T = x.shape[0]
        if T > FEW:
            return self.many(x, then, add)
        x = x.contiguous()
        add = None if add is None else add.contiguous()
        y = torch.empty(T, self.outputs, dtype=self.dtype)
        self.kernel(
            x.data_ptr(),
            self.weight.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(),
            None if add is None else add.data_ptr(),
            y.data_ptr(),
            T,
            self.inputs,
            self.outputs,
            CODES[then],
            torch.get_num_threads(),
        )
        return y

    def many(self, x: Tensor, then: Activation | None, add: Tensor | None) -> Tensor:
        """The same for a prompt: PyTorch's product, in float32.

        16-bit weights are widened for it, once a prompt: without instructions of its own for
        16-bit numbers, a processor would lose far more in multiplying them.
        """
        bias = None if self.bias is None else self.bias.float()
        y = F.linear(x.float(), self.scratch.widen(self.weight), bias)
        if then is not None and y.numel() % 16 == 0:
            self.activate(y.data_ptr(), y.numel(), CODES[then], torch.get_num_threads())
        else:
            y = activate(y, then)
        return (y if add is None else y.add_(add)).to(self.dtype)


class Scratch:
    """Room for one widened weight, shared by all projections of a model.

    Fresh memory for each would cost more than the widening.
    """

    def __init__(self) -> None:
        self.room = torch.empty(0, dtype=torch.float32)

    def widen(self, weight: Tensor) -> Tensor:
        """The weight in float32, until the next call. A float32 weight is taken as it is."""
        if weight.dtype == torch.float32:
            return weight
        if weight.numel() > self.room.numel():
            self.room = torch.empty(weight.numel(), dtype=torch.float32)
        return self.room[: weight.numel()].view(weight.shape).copy_(weight)


def in_huge_pages(weight: Tensor) -> Tensor:
    """A copy, rows end to end, in huge pages if the system has them."""
    out = torch.empty(weight.shape, dtype=weight.dtype)
    ask_huge_pages(out)
    return out.copy_(weight)
