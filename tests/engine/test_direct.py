"""Direct runs one request at a time, in order, and a request that is left costs no step more."""

import asyncio
import threading
from contextlib import aclosing

import pytest

from ruvon.engine.backend import Progress
from ruvon.engine.backend import Request
from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.sampling.params import SamplingParams


class Steps:
    """Runs that count: each request gains 1, 2, 3 ... and writes down every step it computes."""

    def __init__(self, length=3):
        self.length = length
        self.log = []
        self.closed = []
        self.gate = threading.Semaphore(1000)  # a test may take it, to let steps go one by one

    def run(self, request):
        try:
            for number in range(1, self.length + 1):
                self.gate.acquire()
                self.log.append((request.id, number, threading.current_thread().name))
                yield Increment((number,), "length" if number == self.length else None)
        finally:
            self.closed.append(request.id)


def request(id):
    return Request(id, (1,), SamplingParams(max_tokens=3))


def run(test):
    """Run an async test with a Direct over fresh Steps."""
    steps = Steps()
    direct = None

    async def main():
        nonlocal direct
        direct = Direct(steps.run)
        return await asyncio.wait_for(test(direct, steps), timeout=60)

    try:
        return asyncio.run(main()), steps
    finally:
        direct.close()


async def collect(direct, id):
    return [increment.ids[0] async for increment in direct.submit(request(id))]


def test_requests_run_one_after_the_other_in_the_order_they_came():
    async def test(direct, steps):
        return await asyncio.gather(*(collect(direct, id) for id in "abc"))

    made, steps = run(test)
    assert made == [[1, 2, 3]] * 3
    assert [(id, number) for id, number, _ in steps.log] == [
        (id, number) for id in "abc" for number in (1, 2, 3)
    ]
    assert len({thread for _, _, thread in steps.log}) == 1
    assert steps.closed == ["a", "b", "c"]


def test_a_step_is_computed_when_it_is_asked_for():
    async def test(direct, steps):
        async with aclosing(direct.submit(request("a"))) as stream:
            counts = []
            async for _ in stream:
                counts.append(len(steps.log))
            return counts

    made, _ = run(test)
    assert made == [1, 2, 3]


def test_who_leaves_ends_the_run_and_the_next_one_has_its_turn():
    async def test(direct, steps):
        async with aclosing(direct.submit(request("a"))) as stream:
            await anext(stream)
        return await collect(direct, "b")

    made, steps = run(test)
    assert made == [1, 2, 3]
    assert [number for id, number, _ in steps.log if id == "a"] == [1]
    assert steps.closed == ["a", "b"]


def test_cancelling_ends_a_running_request_before_its_next_step():
    async def test(direct, steps):
        made = []
        async for increment in direct.submit(request("a")):
            made.append(increment.ids[0])
            direct.cancel("a")
            assert direct.progress() == Progress(running=1, waiting=0, steps=1)
        return made

    made, steps = run(test)
    assert made == [1]
    assert len(steps.log) == 1
    assert steps.closed == ["a"]


def test_a_waiting_request_can_be_cancelled_and_computes_nothing():
    async def test(direct, steps):
        async with aclosing(direct.submit(request("a"))) as first:
            await anext(first)
            second = asyncio.create_task(collect(direct, "b"))
            while direct.progress().waiting == 0:
                await asyncio.sleep(0)
            assert direct.progress() == Progress(running=1, waiting=1, steps=1)
            direct.cancel("b")
        return await second

    made, steps = run(test)
    assert made == []
    assert {id for id, _, _ in steps.log} == {"a"}


def test_a_task_that_is_killed_in_a_step_leaves_the_thread_in_order():
    """The step under way ends by itself; then the run is closed, and the next request begins."""

    async def test(direct, steps):
        for _ in range(1000):
            steps.gate.acquire()
        task = asyncio.create_task(collect(direct, "a"))
        while direct.progress().running == 0:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert steps.closed == []
        steps.gate.release(1000)
        return await collect(direct, "b")

    made, steps = run(test)
    assert made == [1, 2, 3]
    assert [number for id, number, _ in steps.log if id == "a"] in ([], [1])
    assert "b" in steps.closed


def test_a_failure_reaches_the_caller_and_the_next_request_is_served():
    def broken(request):
        if request.id == "a":
            raise ZeroDivisionError("a step failed")
        yield Increment((7,), "length")

    async def main():
        direct = Direct(broken)
        try:
            with pytest.raises(ZeroDivisionError, match="a step failed"):
                await collect(direct, "a")
            assert direct.progress() == Progress(running=0, waiting=0, steps=0)
            return await collect(direct, "b")
        finally:
            direct.close()

    assert asyncio.run(main()) == [7]


def test_nothing_is_left_behind():
    async def test(direct, steps):
        for number in range(200):
            async with aclosing(direct.submit(request(str(number)))) as stream:
                await anext(stream)
        return direct.progress(), len(direct.live)

    (progress, live), steps = run(test)
    assert (progress.running, progress.waiting, live) == (0, 0, 0)
    assert len(steps.closed) == 200
