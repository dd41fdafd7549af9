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
    """Fails for every loop that breaks one of the five promises.

    A run is `generate(Counting(), FullAttention(), [1], SamplingParams(max_tokens=3))`.
    """
    raise NotImplementedError("exercise 2.6: write this body")
