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
    def right(before, token, most):
        ranked = sorted(((chance, i) for i, chance in enumerate(CHANCES[before])), reverse=True)
        top = tuple((i, round(math.log(chance), 3)) for chance, i in ranked[:most])
        return token, round(math.log(CHANCES[before][token]), 3), top

    def told(one):
        return one.id, round(one.logprob, 3), tuple((i, round(x, 3)) for i, x in one.top)

    prompt = [3, 0, 0, 2, 1, 2]
    for asked in (
        {"temperature": 0.3},
        {"temperature": 3.0, "seed": 1},
        {"temperature": 1.0, "top_k": 1},
        {"repetition_penalty": 2.0},
        {"logit_bias": {2: 50}, "max_tokens": 2},
    ):
        out = generate(prompt, SamplingParams(logprobs=1, prompt_logprobs=4, **asked))
        ids, before = out.outputs[0].token_ids, prompt[-1]
        assert len(out.outputs[0].logprobs) == len(ids)
        for token, one in zip(ids, out.outputs[0].logprobs, strict=True):
            assert told(one) == right(before, token, 1)
            before = token
        want = [right(prompt[n - 1], prompt[n], 4) for n in range(1, len(prompt))]
        assert [told(one) for one in out.prompt_logprobs] == want
    out = generate([0], SamplingParams(logprobs=3, temperature=1.5, min_p=0.2, n=3))
    assert out.prompt_logprobs == []
    for made in out.outputs:
        known = [0, *made.token_ids]
        for n, one in enumerate(made.logprobs):
            assert told(one) == right(known[n], known[n + 1], 3)
