# says: puts new tokens into the caller's list
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
    model, prompt = Counting(), [1]
    steps = generate(model, FullAttention(), prompt, SamplingParams(max_tokens=3))
    assert model.runs == 0
    seen = [(model.runs, step.ids, step.finish_reason) for step in steps]
    assert seen == [(1, (2,), None), (2, (3,), None), (3, (4,), "length")]
    assert model.runs == 3

    full = generate(Counting(), FullAttention(), [4] * 4, SamplingParams(max_tokens=None))
    assert [(step.ids, step.finish_reason) for step in full] == [((5,), None), ((6,), "length")]

    params = SamplingParams(max_tokens=2)
    stopped = generate(Counting(), FullAttention(), [1], params, eos_id=3)
    assert [(step.ids, step.finish_reason) for step in stopped] == [((2,), None), ((3,), "stop")]
