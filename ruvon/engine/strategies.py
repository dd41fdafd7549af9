"""Part 6 · Strategies: a scheduler and a runner that belong together, by name."""

from collections.abc import Callable

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.engine.runner import Runner
from ruvon.engine.scheduler import Scheduler
from ruvon.engine.scheduler import Sequential
from ruvon.errors import RuvonError
from ruvon.memory.single import SingleCache
from ruvon.sampling.greedy import Sampler
from ruvon.sampling.logprobs import with_logprobs  # part 10
from ruvon.sampling.stochastic import stochastic
from ruvon.seams import Model

# Without an engine: the loop of Part 2. It is what every strategy is tested against.
DIRECT = "direct"

# What every strategy samples with.
SAMPLE: Sampler = stochastic
SAMPLE = with_logprobs(stochastic)  # part 10

Strategy = Callable[[Model, str | None, int], tuple[Scheduler, Runner]]


def sequential(model: Model, attention: str | None, context: int) -> tuple[Scheduler, Runner]:
    """One sequence at a time, in one contiguous cache."""
    one = new_attention(attention, model, context)
    if not isinstance(one, CachedAttention):
        raise RuvonError(
            f"attention {attention!r} keeps nothing from step to step, and an engine's must; "
            f"take cached, or the strategy {DIRECT}"
        )
    return Sequential(SingleCache(one.cache)), Runner(model, one, SAMPLE)


# Each strategy by its name. The last one is the default, so a later part brings its own.
STRATEGIES: dict[str, Strategy] = {
    "sequential": sequential,
}


def pick_strategy(name: str | None, attention: str | None) -> str:
    """The strategy of a name; None takes the newest that goes with the attention."""
    if name is None:
        return DIRECT if attention == "full" else list(STRATEGIES)[-1]
    if name != DIRECT and name not in STRATEGIES:
        raise RuvonError(f"strategy {name!r} is not one of {', '.join([DIRECT, *STRATEGIES])}")
    return name
