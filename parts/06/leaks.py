"""Part 6: a hundred thousand requests through the engine, over the oracle model."""

import gc
import random
import time

from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.events import Event
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 100
TOGETHER = 100  # requests that are live at once
NEW = 2


def leaks(requests: int) -> dict:
    """Waves of requests, every fourth of them cancelled. -> what ended how, and what is left."""
    told = {"queued": 0, "finished": 0, "cancelled": 0, "failed": 0}

    def count(event: Event) -> None:
        if event.kind in told:
            told[event.kind] += 1

    model = OracleModel(VOCABULARY, context=16)
    parts = STRATEGIES["sequential"](model, Options(16, "cached"))
    engine = Engine(*parts, lambda _: Text(None), context=16, subscribers=[count])
    answers = {token: oracle_tokens((token, 7), NEW, VOCABULARY) for token in range(VOCABULARY)}
    draw, wrong = random.Random(0), 0

    def wave(first: int) -> None:
        nonlocal wrong
        made: dict[str, list[int]] = {}
        for number in range(first, first + TOGETHER):
            params = SamplingParams(max_tokens=1 + number % NEW, temperature=0)
            made[str(number)] = []
            engine.add(Request(str(number), (number % VOCABULARY, 7), params))
        for number in draw.sample(range(first, first + TOGETHER), TOGETHER // 4):
            engine.cancel(str(number))
        while engine.busy:
            for output in engine.step():
                assert output.increment is not None
                made[output.id] += output.increment.ids
        for id, ids in made.items():
            wrong += ids != answers[int(id) % VOCABULARY][: len(ids)]

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    began = time.perf_counter()
    wave(0)
    before = objects()
    for first in range(TOGETHER, requests, TOGETHER):
        wave(first)
    return {
        "requests": requests,
        "together": TOGETHER,
        "told": told,
        "wrong": wrong,
        "steps": engine.steps,
        "objects_before": before,
        "objects_after": objects(),
        "live": len(engine.live) + len(engine.scheduler.waiting) + len(engine.scheduler.running),
        "seconds": time.perf_counter() - began,
    }
