# says: never calls
"""10.4 Test the scores. Write the test at the end; its text says what it is for."""

import math

from ruvon.sampling.params import SamplingParams

# The toy model: after token n, token i has the chance CHANCES[n][i].
CHANCES = [
    [0.1, 0.5, 0.15, 0.25],
    [0.3, 0.1, 0.4, 0.2],
    [0.15, 0.25, 0.05, 0.55],
    [0.45, 0.2, 0.3, 0.05],
]


def test_scores(generate):
    """`generate` scores new tokens, and those of the prompt, by the chances that the model gave."""
    assert math.isclose(sum(CHANCES[0]), 1)
