"""Part 1 · How tokens look at each other, and which way of it a name means."""

from collections.abc import Callable

from ruvon.attention.cached import CachedAttention  # part 3
from ruvon.attention.full import FullAttention
from ruvon.attention.native import NativeCachedAttention  # part 3
from ruvon.errors import RuvonError
from ruvon.memory.contiguous import ContiguousCache  # part 3
from ruvon.native import has_kernel  # part 3
from ruvon.seams import Model
from ruvon.seams import SequenceAttention


def new_full(model: Model, tokens: int) -> SequenceAttention:
    """Attention that remembers nothing."""
    return FullAttention()


def new_cached(model: Model, tokens: int) -> SequenceAttention:  # part 3
    """Attention with a cache of its own, `tokens` long."""
    return CachedAttention(ContiguousCache(model.layers, tokens, model.dtype, model.device))


def new_native(model: Model, tokens: int) -> SequenceAttention:  # part 3
    """The same, with a decode step's attention in C."""
    return NativeCachedAttention(ContiguousCache(model.layers, tokens, model.dtype, model.device))


# Each way by its name. The last one is the default, so a later part brings its own.
ATTENTIONS: dict[str, Callable[[Model, int], SequenceAttention]] = {
    "full": new_full,
    "cached": new_cached,  # part 3
    "native": new_native,  # part 3
}


def new_attention(name: str | None, model: Model, tokens: int) -> SequenceAttention:
    """Attention for one sequence of at most `tokens`. None takes the newest way."""
    chosen = name or list(ATTENTIONS)[-1]
    if name is None and not has_kernel("attend", model.device, model.dtype):  # part 3
        chosen = "cached"
    if chosen not in ATTENTIONS:
        raise RuvonError(f"attention {chosen!r} is not one of {', '.join(ATTENTIONS)}")
    return ATTENTIONS[chosen](model, tokens)
