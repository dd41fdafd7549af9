"""Part 3 · How a Linear holds its weight: which way a name means, and which is fast here."""

from collections.abc import Callable

import torch

from ruvon.device import has_bf16_instructions
from ruvon.errors import RuvonError
from ruvon.models.layers import DenseLinear
from ruvon.models.native import NativeLinear
from ruvon.models.packed import PackedError
from ruvon.models.packed import PackedLinear
from ruvon.native import NativeError
from ruvon.native import say_once
from ruvon.processor import release
from ruvon.seams import Embedding
from ruvon.seams import Linear
from ruvon.seams import Loader
from ruvon.seams import Norm

Convert = Callable[[DenseLinear], Linear]


class ConvertingLoader:
    """Wraps a loader: what is a dense projection there is converted, everything else passes.

    A tied head is converted while its embedding stays the plain table that lookups need.
    """

    def __init__(self, inner: Loader, convert: Convert) -> None:
        self.inner = inner
        self.convert = convert
        self.dtype = inner.dtype
        self.device = inner.device

    def linear(self, name: str, inputs: int, outputs: int) -> Linear:
        """A projection of a block, converted."""
        return self.converted(self.inner.linear(name, inputs, outputs))

    def embedding(self, name: str, rows: int, width: int) -> Embedding:
        """A table, as it is."""
        return self.inner.embedding(name, rows, width)

    def norm(self, name: str, width: int, eps: float) -> Norm:
        """A norm, as it is."""
        return self.inner.norm(name, width, eps)

    def head(self, name: str, inputs: int, outputs: int) -> Linear:
        """The projection to the vocabulary, converted."""
        return self.converted(self.inner.head(name, inputs, outputs))

    def converted(self, linear: Linear) -> Linear:
        """Convert what is still dense. The dense weight is dropped with it."""
        if not isinstance(linear, DenseLinear):
            return linear
        converted = self.convert(linear)
        if converted is not linear:
            release(linear.weight)
        return converted


# Each way of holding a weight, by its name. A new one converts a dense piece into its own.
LINEARS: dict[str, Convert] = {
    "dense": lambda dense: dense,
    "packed": PackedLinear,
    "native": NativeLinear,
}


def wrap_linears(name: str | None = None) -> Callable[[Loader], Loader]:
    """What `load_model` wraps its loader in. None takes what is fast here.

    A way that is asked for by name and is not possible here raises a RuvonError; None falls back
    to dense weights, and says why in one line.
    """
    if name is None:
        return lambda loader: ConvertingLoader(loader, fast(loader))
    if name not in LINEARS:
        raise RuvonError(f"linear {name!r} is not one of auto, {', '.join(LINEARS)}")
    return lambda loader: ConvertingLoader(loader, LINEARS[name])


def fast(loader: Loader) -> Convert:
    """The way that suits the machine, with dense weights wherever it cannot do it."""
    name = fast_name(loader.device, loader.dtype)
    convert = LINEARS[name]

    def attempt(dense: DenseLinear) -> Linear:
        try:
            return convert(dense)
        except (NativeError, PackedError) as error:
            say_once(f"weights stay as PyTorch holds them, which is slower: {error}")
            return dense

    return attempt


def fast_name(device: torch.device, dtype: torch.dtype) -> str:
    """Which way suits a device and number format.

    Matrix instructions for bfloat16 want oneDNN's order. Without them a step is all reading, and
    the kernel in C reads best. A GPU's libraries, and float64, take the plain form.
    """
    if device.type != "cpu" or dtype == torch.float64:
        return "dense"
    return "packed" if dtype == torch.bfloat16 and has_bf16_instructions() else "native"
