"""Part 6: the engine with a line wrong, seven times, and how each shows."""

import asyncio
import logging
import threading
from collections.abc import Callable
from collections.abc import Sequence as Several
from typing import Any

from torch import Tensor

from ruvon.attention.cached import CachedAttention
from ruvon.attention.cached import causal_mask
from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.async_engine import Stream
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.core import Output
from ruvon.engine.runner import Runner
from ruvon.engine.scheduler import Sequential
from ruvon.engine.sequence import Status
from ruvon.engine.strategies import SAMPLE
from ruvon.engine.text import Text
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.single import SingleCache
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Attention
from ruvon.seams import Span

PROMPT = {"a": (5, 6, 7), "b": (8, 9), "c": (1, 2, 3, 4)}
NEW = 4


class NotFreed(SingleCache):
    """Takes the cache back, and leaves in it what was there."""

    def free(self, id: str) -> None:
        self.holder = None  # and no self.cache.free()


class Trusting(CachedAttention):
    """Cached attention that does not look whether a step begins where the last one ended."""

    def prepare(self, spans: Several[Span]) -> None:
        self.cache.grow(spans[0].count)
        self.mask = causal_mask(spans[0].count, self.cache.length, self.cache.device)


class FirstRow(OracleModel):
    """Its logits come from the first row of a step, as if a runner had picked the wrong one."""

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        hidden = super().__call__(tokens, positions, attention)
        return hidden[:1].expand_as(hidden)


class Restarted(OracleModel):
    """Its positions begin at 0 in every step."""

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        return super().__call__(tokens, positions - positions[0], attention)


class LastFirst(Sequential):
    """The one that came last is next."""

    def start_next(self) -> bool:
        if self.waiting:
            self.waiting.move_to_end(next(reversed(self.waiting)), last=False)
        return super().start_next()


def new_engine(
    model: OracleModel | None = None,
    scheduler: type[Sequential] = Sequential,
    attention: type[CachedAttention] = CachedAttention,
    cache: type[SingleCache] = SingleCache,
) -> Engine:
    """An engine over the oracle model, with one piece exchanged."""
    model = model or OracleModel(context=64)
    kept = ContiguousCache(model.layers, 64, model.dtype, model.device)
    runner = Runner(model, attention(kept), SAMPLE)
    return Engine(scheduler(cache(kept)), runner, lambda _: Text(None), context=64)


def request(name: str, new: int = NEW) -> Request:
    return Request(name, PROMPT[name], SamplingParams(max_tokens=new))


def verdict(engine: Engine) -> str:
    """Three requests, and the first thing that is not as it was told beforehand."""
    order: list[str] = []
    engine.subscribers.append(lambda e: order.append(str(e.request)) if e.kind == "started" else 0)
    for name in PROMPT:
        engine.add(request(name))
    made: dict[str, list[int]] = {name: [] for name in PROMPT}
    while engine.busy:
        for output in engine.step():
            if output.increment is None:
                return f"{output.id} fails: {output.error}"
            made[output.id] += output.increment.ids
            told = oracle_tokens(PROMPT[output.id], NEW, 1000)[: len(made[output.id])]
            if made[output.id] != told:
                number, wrong = len(told), made[output.id][-1]
                return f"{output.id}, new token {number}: {wrong}, and {told[-1]} was told"
    if order != list(PROMPT):
        return f"every token is right, and the order is {', '.join(order)}"
    return "as told"


class Leaking(AsyncEngine):
    """A cancelled request is forgotten by its reader, and not by the engine."""

    def cancel(self, id: str) -> None:
        stream = self.streams.pop(id, None)
        if stream is not None:
            stream.items.put_nowait(None)  # and no self.ask(...)


class Blind(AsyncEngine):
    """Delivers without looking whether somebody is there."""

    def deliver(self, outputs: Several[Output]) -> None:
        for output in outputs:
            stream: Stream = self.streams[output.id]
            stream.items.put_nowait(output.increment)


def cancelled(engine: type[AsyncEngine]) -> str:
    """A request of 50 tokens that is cancelled while its second step is computed."""
    arrived, let = threading.Semaphore(0), threading.Semaphore(0)

    def gate() -> None:
        arrived.release()
        assert let.acquire(timeout=60)

    ended = threading.Event()
    core = new_engine(OracleModel(context=64, gate=gate))
    core.subscribers.append(lambda e: ended.set() if e.kind in ENDS else None)
    running = engine(core)
    complaints: list[str] = []

    async def main() -> None:
        def complain(loop: Any, context: dict[str, Any]) -> None:
            complaints.append(type(context["exception"]).__name__)

        asyncio.get_running_loop().set_exception_handler(complain)
        stream = running.submit(request("a", new=50))
        let.release()
        await anext(stream)
        await asyncio.to_thread(arrived.acquire)
        await asyncio.to_thread(arrived.acquire)  # the second step has begun
        await stream.aclose()
        let.release(1000)
        await asyncio.to_thread(ended.wait, 60)
        await asyncio.to_thread(running.close)
        await asyncio.sleep(0)  # what the thread has handed over is done

    asyncio.run(main())
    text = f"cancelled in step 2, {core.steps} steps computed"
    return text + (f", {complaints[0]} in the event loop" if complaints else "")


ENDS = (Status.FINISHED, Status.CANCELLED, Status.FAILED)


def main() -> None:
    logging.disable()  # a failed request is logged with its traceback
    runs: dict[str, Callable[[], str]] = {
        "right": lambda: verdict(new_engine()),
        "the cache is not freed": lambda: verdict(new_engine(cache=NotFreed)),
        "... and nobody asserts": lambda: verdict(new_engine(cache=NotFreed, attention=Trusting)),
        "the first row is sampled": lambda: verdict(new_engine(FirstRow(context=64))),
        "positions restart": lambda: verdict(new_engine(Restarted(context=64))),
        "the last is next": lambda: verdict(new_engine(scheduler=LastFirst)),
    }
    for name, run in runs.items():
        print(f"{name:26} {run()}")
    print()
    for name, engine in (
        ("right", AsyncEngine),
        ("the engine is not told", Leaking),
        ("delivered without a look", Blind),
    ):
        print(f"{name:26} {cancelled(engine)}")


if __name__ == "__main__":
    main()
