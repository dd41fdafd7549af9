"""Twenty thousand requests through the engine leave nothing behind.

Part 6's measure.py does it with a hundred thousand (`leaks`); this is what every run can afford.
"""

import gc
import random

from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.strategies import STRATEGIES
from ruvon.engine.strategies import Options
from ruvon.engine.text import Text
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

VOCABULARY = 100
REQUESTS = 20_000
TOGETHER = 100  # requests that are live at once
NEW = 2


def test_twenty_thousand_requests_leave_nothing_behind():
    model = OracleModel(VOCABULARY, context=16)
    parts = STRATEGIES["sequential"](model, Options(16, "cached"))
    told = {"queued": 0, "finished": 0, "cancelled": 0, "failed": 0}

    def count(event):
        if event.kind in told:
            told[event.kind] += 1

    engine = Engine(*parts, lambda _: Text(None), context=16, subscribers=[count])
    prompts = {token: (token, 7) for token in range(VOCABULARY)}
    answers = {t: oracle_tokens(prompt, NEW, VOCABULARY) for t, prompt in prompts.items()}
    draw = random.Random(0)

    def wave(numbers):
        made = {str(number): [] for number in numbers}

        def step():
            for output in engine.step():
                made[output.id] += output.increment.ids

        for number in numbers:
            prompt = prompts[number % VOCABULARY]
            params = SamplingParams(max_tokens=1 + number % NEW, temperature=0)
            engine.add(Request(str(number), prompt, params))
        for number in draw.sample(numbers, len(numbers) // 2):  # half leave: most from the queue
            if number % 2:
                step()
            engine.cancel(str(number))
        while engine.busy:
            step()
        for number in numbers:
            said = made[str(number)]
            assert said == answers[number % VOCABULARY][: len(said)]
        assert not engine.live

    def objects():
        gc.collect()
        return len(gc.get_objects())

    wave(range(TOGETHER))
    before = objects()
    for first in range(TOGETHER, REQUESTS, TOGETHER):
        wave(range(first, first + TOGETHER))
    assert objects() <= before + 20
    assert told["queued"] == REQUESTS
    assert told["finished"] + told["cancelled"] == REQUESTS
    assert told["cancelled"] > REQUESTS // 4
    assert not engine.live
    assert not engine.scheduler.waiting
    assert not engine.scheduler.running
    assert engine.scheduler.cache.holder is None
