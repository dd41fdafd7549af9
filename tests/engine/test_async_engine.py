"""The engine in its thread: what is asked in an event loop is done between two steps."""

import asyncio
import gc
import threading

import pytest

from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.async_engine import EngineDead
from ruvon.engine.async_engine import QueueFull
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.scheduler import Batch
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.errors import RuvonError
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 100
PATIENCE = 60  # seconds until something that never happens is given up


class Gate:
    """Lets steps pass one by one. Whoever waits for a step to begin is told."""

    def __init__(self):
        self.open = True
        self.arrived = threading.Semaphore(0)
        self.permits = threading.Semaphore(0)
        self.passed = 0

    def __call__(self):
        if not self.open:
            self.arrived.release()
            assert self.permits.acquire(timeout=PATIENCE)
        self.passed += 1

    async def reached(self):
        """Wait until a step stands before the gate."""
        assert await asyncio.to_thread(self.arrived.acquire, timeout=PATIENCE)

    def let(self, steps):
        self.permits.release(steps)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def running(gate, clock):
    """An engine at work, with room for three in its queue."""
    model = OracleModel(VOCABULARY, context=64, gate=gate)
    engine = Engine(
        *STRATEGIES["sequential"](model, Options(64, "cached")), lambda _: Text(None), context=64
    )
    one = AsyncEngine(engine, max_queue=3, stall_timeout=60, clock=clock)
    yield one
    gate.open = True
    gate.let(1000)
    one.close()


def request(name, prompt=(5, 6, 7), **params):
    return Request(str(name), tuple(prompt), SamplingParams(**{"max_tokens": 4, **params}))


async def read(stream):
    return [token async for increment in stream for token in increment.ids]


def test_each_reader_gets_its_own(running):
    async def main():
        streams = [running.submit(request(n, range(n + 1))) for n in range(4)]
        return await asyncio.gather(*map(read, streams))

    told = [oracle_tokens(range(n + 1), 4, VOCABULARY) for n in range(4)]
    assert asyncio.run(main()) == told
    assert asyncio.run(main()) == told  # and in another loop
    progress = running.progress()
    assert (progress.running, progress.waiting, progress.trouble) == (0, 0, None)


def test_an_increment_arrives_before_the_next_step_is_computed(running, gate):
    async def main():
        gate.open = False
        stream = running.submit(request("a"))
        for step in range(4):
            await gate.reached()
            assert gate.passed == step
            gate.let(1)
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    asyncio.run(main())


def test_what_waits_and_what_runs(running, gate):
    async def main():
        gate.open = False
        streams = [running.submit(request(n)) for n in range(3)]
        await gate.reached()
        progress = running.progress()
        assert (progress.running, progress.waiting) == (1, 2)
        gate.open = True
        gate.let(1)
        await asyncio.gather(*map(read, streams))

    asyncio.run(main())


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_a_cancelled_request_costs_at_most_the_step_under_way(running, gate, how):
    async def main():
        gate.open = False
        stream, other = running.submit(request("a", max_tokens=50)), running.submit(request("b"))
        await gate.reached()
        gate.let(1)
        await anext(stream)
        await gate.reached()  # the second step is under way
        if how == "close":
            await stream.aclose()
        else:
            running.cancel("a")
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        gate.open = True
        gate.let(1)
        assert await read(other) == oracle_tokens((5, 6, 7), 4, VOCABULARY)

    asyncio.run(main())
    assert gate.passed == 2 + 4


def test_a_cancelled_request_leaves_the_queue(running, gate):
    async def main():
        gate.open = False
        first, second, third = (running.submit(request(n)) for n in range(3))
        await gate.reached()
        await second.aclose()
        assert await read(second) == []
        gate.open = True
        gate.let(1)
        return [len(await read(stream)) for stream in (first, third)]

    assert asyncio.run(main()) == [4, 4]
    assert gate.passed == 8


def test_a_full_queue_takes_nothing_and_then_again(running, gate):
    async def main():
        gate.open = False
        streams = [running.submit(request(n)) for n in range(4)]  # one runs, three wait
        assert running.room() == 0
        with pytest.raises(QueueFull, match="4 requests run and wait"):
            running.submit(request("more"))
        gate.open = True
        gate.let(1)
        assert [len(await read(stream)) for stream in streams] == [4] * 4
        assert running.room() == 4

    asyncio.run(main())


def test_what_the_engine_refuses_fails_alone(running):
    async def main():
        fine, long = running.submit(request("a")), running.submit(request("b", range(65)))
        with pytest.raises(RuvonError, match="this model takes 64"):
            await anext(long)
        assert await read(long) == []
        return await read(fine)

    assert asyncio.run(main()) == oracle_tokens((5, 6, 7), 4, VOCABULARY)


def test_a_stall_is_seen_and_an_idle_engine_has_none(running, gate, clock):
    async def main():
        clock.now += 1000  # idle for long
        assert running.progress().trouble is None
        gate.open = False
        stream = running.submit(request("a"))
        await gate.reached()
        clock.now += 60
        assert running.progress().trouble is None
        clock.now += 1
        assert (
            running.progress().trouble == "no step was completed for 61 s; 1 requests wait for one"
        )
        gate.let(1)
        await anext(stream)
        await gate.reached()
        assert running.progress().trouble is None
        gate.open = True
        gate.let(1)
        await read(stream)

    asyncio.run(main())


def test_an_engine_that_plans_nothing_has_stalled(running, clock, monkeypatch):
    """Somebody waits, and the scheduler lets nobody run: the thread turns, and nothing moves."""
    planned, schedule = threading.Semaphore(0), running.engine.scheduler.schedule

    def nobody():
        planned.release()
        return Batch(())

    async def main():
        monkeypatch.setattr(running.engine.scheduler, "schedule", nobody)
        stream = running.submit(request("a"))
        clock.now += 61
        for _ in range(3):
            assert await asyncio.to_thread(planned.acquire, timeout=PATIENCE)
        assert "no step was completed for 61 s" in running.progress().trouble
        monkeypatch.setattr(running.engine.scheduler, "schedule", schedule)
        assert await read(stream) == oracle_tokens((5, 6, 7), 4, VOCABULARY)
        assert running.progress().trouble is None

    asyncio.run(main())


def test_a_dead_engine_says_so(running, gate, monkeypatch):
    class Death(BaseException):
        pass

    def die():
        raise Death("planted")

    async def main():
        gate.open = False
        streams = [running.submit(request(n)) for n in range(2)]
        await gate.reached()
        monkeypatch.setattr(running.engine, "plan", die)
        gate.let(1)
        first = await anext(streams[0])
        assert first.ids
        for stream in streams:
            with pytest.raises(EngineDead, match="planted"):
                await anext(stream)
        assert running.room() == 0
        with pytest.raises(EngineDead, match="planted"):
            running.submit(request("c"))
        assert "planted" in running.progress().trouble

    asyncio.run(main())


def test_nothing_polls(gate, clock):
    """An idle engine waits without a timeout, and computes no steps."""
    waits = []

    class Watched(threading.Condition):
        def wait(self, timeout=None):
            waits.append(timeout)
            return super().wait(timeout)

    model = OracleModel(VOCABULARY, context=64)
    engine = Engine(
        *STRATEGIES["sequential"](model, Options(64, "cached")), lambda _: Text(None), context=64
    )
    steps, step = [], engine.step
    engine.step = lambda: steps.append(1) or step()
    one = AsyncEngine.__new__(AsyncEngine)
    original, threading.Condition = threading.Condition, Watched
    try:
        one.__init__(engine, clock=clock)
    finally:
        threading.Condition = original

    async def main():
        return await read(one.submit(request("a")))

    assert len(asyncio.run(main())) == 4
    one.close()
    assert set(waits) == {None}
    assert len(steps) == 4


def test_many_requests_leave_nothing_behind(running):
    async def rounds(count):
        for n in range(count):
            stream = running.submit(request(n, max_tokens=2))
            if n % 3:
                await read(stream)
            else:
                await anext(stream)
                await stream.aclose()
        while running.progress().running:
            await asyncio.sleep(0)
        gc.collect()
        return len(gc.get_objects())

    async def main():
        await rounds(100)
        before = await rounds(100)
        return await rounds(1000) - before

    assert asyncio.run(main()) < 50
    assert not running.streams
    assert not running.inbox
    assert not running.engine.live
