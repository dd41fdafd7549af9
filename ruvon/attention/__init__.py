"""Part 1 · How tokens look at each other, and which way of it a name means."""

from collections.abc import Callable

from ruvon.attention.cached import CachedAttention  # part 3
from ruvon.attention.full import FullAttention
from ruvon.attention.native import NativeCachedAttention  # part 3
from ruvon.attention.ragged import RaggedAttention  # part 7
from ruvon.attention.ragged_native import NativeRaggedAttention  # part 8
from ruvon.errors import RuvonError
from ruvon.memory.contiguous import ContiguousCache  # part 3
from ruvon.memory.slots import SlotCache  # part 7
from ruvon.native import NativeError  # part 8
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


# The same for many sequences at once, in the slots of a cache.
MANY: dict[str, Callable[[SlotCache], RaggedAttention]] = {  # part 7
    "ragged": RaggedAttention,
    "ragged_native": NativeRaggedAttention,  # part 8
}


def new_ragged(name: str | None, cache: SlotCache) -> RaggedAttention:  # part 7
    """Attention for many sequences. None takes the newest way that works here."""
    if name is not None and name not in MANY:
        raise RuvonError(f"attention {name!r} is not one of {', '.join(MANY)}")
    if name is None:  # part 8
        try:
            return list(MANY.values())[-1](cache)
        except NativeError:
            name = "ragged"
    return MANY[name or "ragged"](cache)


def new_attention(name: str | None, model: Model, tokens: int) -> SequenceAttention:
    """Attention for one sequence of at most `tokens`. None takes the newest way."""
    chosen = name or list(ATTENTIONS)[-1]
    if name is None and not has_kernel("attend", model.device, model.dtype):  # part 3
        chosen = "cached"
    if chosen not in ATTENTIONS:
        raise RuvonError(f"attention {chosen!r} is not one of {', '.join(ATTENTIONS)}")
    return ATTENTIONS[chosen](model, tokens)
