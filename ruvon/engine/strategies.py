"""Part 6 · Strategies: a scheduler and a runner that belong together, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from ruvon.attention import ATTENTIONS
from ruvon.attention import new_attention
from ruvon.attention import new_ragged  # part 7
from ruvon.attention.cached import CachedAttention
from ruvon.engine.batched import StaticBatch  # part 7
from ruvon.engine.continuous import Continuous  # part 8
from ruvon.engine.runner import Runner
from ruvon.engine.scheduler import Scheduler
from ruvon.engine.scheduler import Sequential
from ruvon.errors import RuvonError
from ruvon.memory.budget import cache_bytes  # part 7
from ruvon.memory.contiguous import bytes_per_token  # part 7
from ruvon.memory.single import SingleCache
from ruvon.memory.slots import SlotCache  # part 7
from ruvon.sampling.greedy import Sampler
from ruvon.sampling.logprobs import with_logprobs  # part 10
from ruvon.sampling.stochastic import stochastic
from ruvon.seams import Model

# Without an engine: the loop of Part 2. It is what every strategy is tested against.
DIRECT = "direct"

# What every strategy samples with.
SAMPLE: Sampler = stochastic
SAMPLE = with_logprobs(stochastic)  # part 10


@dataclass(frozen=True)
class Options:
    """What an engine is built with."""

    # The longest sequence, in tokens.
    context: int
    # Which implementation of attention; None takes the best that is here.
    attention: str | None = None
    # How many sequences may run at once.
    max_num_seqs: int = 256  # part 7
    # How many tokens a step computes at most; None takes what suits the device.
    max_num_batched_tokens: int | None = None  # part 8


Strategy = Callable[[Model, Options], tuple[Scheduler, Runner]]


def sequential(model: Model, options: Options) -> tuple[Scheduler, Runner]:
    """One sequence at a time, in one contiguous cache."""
    one = new_attention(options.attention, model, options.context)
    if not isinstance(one, CachedAttention):
        raise RuvonError(
            f"attention {options.attention!r} keeps nothing from step to step, and an engine's "
            f"must; take cached, or the strategy {DIRECT}"
        )
    return Sequential(SingleCache(one.cache)), Runner(model, one, SAMPLE)


def new_slots(model: Model, options: Options) -> SlotCache:  # part 7
    """A cache with a slot for each sequence that may run, or as many as memory has room for."""
    each = bytes_per_token(model.layers, model.dtype) * options.context
    slots = max(1, min(options.max_num_seqs, cache_bytes(model.device) // each))
    return SlotCache(model.layers, slots, options.context, model.dtype, model.device)


def batched(model: Model, options: Options) -> tuple[Scheduler, Runner]:  # part 7
    """Some sequences at a time, and the next ones when all of them have ended."""
    cache = new_slots(model, options)
    runner = Runner(model, new_ragged(options.attention, cache), SAMPLE)
    return StaticBatch(cache, cache.slots), runner


def continuous(model: Model, options: Options) -> tuple[Scheduler, Runner]:  # part 8
    """Sequences that join and leave at every step."""
    cache = new_slots(model, options)
    runner = Runner(model, new_ragged(options.attention, cache), SAMPLE)
    budget = options.max_num_batched_tokens or (512 if model.device.type == "cpu" else 8192)
    if budget < cache.slots:
        raise RuvonError(
            f"max_num_batched_tokens is {budget:,}, and each of {cache.slots:,} sequences "
            "(max_num_seqs) needs a token in every step"
        )
    return Continuous(cache, cache.slots, budget), runner


# Each strategy by its name. The last one is the default, so a later part brings its own.
STRATEGIES: dict[str, Strategy] = {
    "sequential": sequential,
    "batched": batched,  # part 7
    "continuous": continuous,  # part 8
}


def pick_strategy(name: str | None, attention: str | None) -> str:
    """The strategy of a name; None takes the newest that goes with the attention."""
    if name is None:
        if attention in ATTENTIONS:  # of a single sequence
            return DIRECT if attention == "full" else "sequential"
        return list(STRATEGIES)[-1]
    if name != DIRECT and name not in STRATEGIES:
        raise RuvonError(f"strategy {name!r} is not one of {', '.join([DIRECT, *STRATEGIES])}")
    return name
