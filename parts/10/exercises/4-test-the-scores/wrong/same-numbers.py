# says: as long as
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
    prompt = list(range(len(CHANCES)))
    params = SamplingParams(
        temperature=2.5, top_p=0.9, logit_bias={3: 4.0}, logprobs=3, prompt_logprobs=3
    )
    out = generate(prompt, params)
    [made] = out.outputs
    known = [*prompt, *made.token_ids]
    scores = [*out.prompt_logprobs, *made.logprobs]
    for before, token, one in zip(known[:-1], known[1:], scores, strict=True):
        logs = [math.log(chance) for chance in CHANCES[before]]
        assert one.id == token
        assert math.isclose(one.logprob, logs[token], abs_tol=1e-4)
        for (other, value), want in zip(one.top, sorted(logs, reverse=True), strict=False):
            assert math.isclose(value, want, abs_tol=1e-4)
            assert logs[other] == want
    assert {len(one.top) for one in out.prompt_logprobs} == {3}
    assert {len(one.top) for one in made.logprobs} == {3}
