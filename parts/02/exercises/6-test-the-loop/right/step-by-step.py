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
    def begin(prompt, max_tokens, **given):
        model = Counting()
        return model, generate(model, FullAttention(), prompt, SamplingParams(max_tokens), **given)

    ids = [3]
    model, steps = begin(ids, 2)
    for run in (1, 2):
        assert model.runs == run - 1, "a step before it was asked for"
        increment = next(steps)
        assert model.runs == run
        assert increment.ids == (3 + run,)
        assert increment.finish_reason == (None if run == 1 else "length")
    assert next(steps, "over") == "over"
    assert model.runs == 2
    assert ids == [3]

    for stop in (4, 5, 6):
        for given in ({"eos_id": stop}, {"eos_id": stop, "context": 5}):
            _, steps = begin([3], 3, **given)
            made = list(steps)
            assert [token for step in made for token in step.ids] == list(range(4, stop + 1))
            assert [step.finish_reason for step in made] == [None] * (stop - 4) + ["stop"]

    for room in range(1, 5):
        made = list(begin([0] * room, None)[1])
        assert len(made) == 5 - room + 1
        assert made[-1].finish_reason == "length"
        assert not any(step.finish_reason for step in made[:-1])
