# says: prompt tokens scored by their own rows
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
    params = SamplingParams(temperature=2.5, top_p=0.9, logit_bias={3: 4.0}, logprobs=3)
    [made] = generate([0, 1, 2, 3], params).outputs
    known = [3, *made.token_ids]
    for before, token, one in zip(known[:-1], known[1:], made.logprobs, strict=True):
        logs = [math.log(chance) for chance in CHANCES[before]]
        assert one.id == token
        assert math.isclose(one.logprob, logs[token], abs_tol=1e-4)
        assert [other for other, _ in one.top] == sorted(range(4), key=lambda i: -logs[i])[:3]
        assert all(math.isclose(value, logs[other], abs_tol=1e-4) for other, value in one.top)
