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
    def holds(before, one, most):
        close = {one.id: one.logprob, **dict(one.top)}
        assert all(abs(math.exp(x) - CHANCES[before][i]) < 1e-4 for i, x in close.items())
        assert abs(math.exp(one.logprob) - CHANCES[before][one.id]) < 1e-4
        assert len(one.top) == len(dict(one.top)) == most
        found = [CHANCES[before][i] for i, _ in one.top]
        assert found == sorted(CHANCES[before])[::-1][:most]

    seen = set()
    for first in range(4):
        for second in range(4):
            params = SamplingParams(
                max_tokens=3,
                temperature=0.5,
                logit_bias=[((second + 1) % 4, 6.0)],
                frequency_penalty=0.5,
                min_p=0.5,
                logprobs=4,
                prompt_logprobs=1,
            )
            out = generate(prompt=[first, second, second], params=params)
            (made,) = out.outputs
            seen.update(made.token_ids)
            one, other = out.prompt_logprobs
            assert one.id == other.id == second
            holds(first, one, 1)
            holds(second, other, 1)
            before = second
            assert [one.id for one in made.logprobs] == made.token_ids
            for one in made.logprobs:
                holds(before, one, 4)
                before = one.id
    assert len(seen) > 1
