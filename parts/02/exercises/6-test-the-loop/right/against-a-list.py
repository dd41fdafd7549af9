"""Exercise 2.6: a test for the loop. `generate` is given to it, and is the engine's or another."""

import torch
from torch.nn.functional import one_hot

from ruvon.attention.full import FullAttention
from ruvon.sampling.params import SamplingParams


class Counting:
    """A model without weights: after token n it says n + 1. `runs` counts how often it ran."""

    context = 5
    device = torch.device("cpu")

    def __init__(self):
        self.runs = 0

    def __call__(self, tokens, positions, attention):
        self.runs += 1
        return tokens[:, None]

    def logits(self, hidden):
        return one_hot(hidden[:, 0] + 1)


def test_the_loop(generate):
    cases = [
        ([1], {"max_tokens": 3}, None, [2, 3, 4], "length"),
        ([1, 2], {"max_tokens": None}, None, [3, 4, 5, 6], "length"),
        ([1], {"max_tokens": 3}, 4, [2, 3, 4], "stop"),
        ([1], {"max_tokens": 4, "stop_token_ids": (3,)}, None, [2, 3], "stop"),
    ]
    for prompt, params, eos_id, tokens, reason in cases:
        model, given = Counting(), prompt.copy()
        steps = generate(model, FullAttention(), given, SamplingParams(**params), eos_id=eos_id)
        log = [f"{model.runs}"]
        for step in steps:
            log.append(f"{model.runs} {step.ids[0]} {step.finish_reason}")
        log.append(f"{model.runs}")
        reasons = [None] * (len(tokens) - 1) + [reason]
        rows = enumerate(zip(tokens, reasons), start=1)
        assert log == ["0", *(f"{n} {t} {r}" for n, (t, r) in rows), f"{len(tokens)}"]
        assert given == prompt
