"""Logprobs: of the raw distribution, of new tokens and of prompts, and some rows at a time."""

import pytest
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.errors import RuvonError
from ruvon.sampling.greedy import Row
from ruvon.sampling.logprobs import CHUNK
from ruvon.sampling.logprobs import score
from ruvon.sampling.logprobs import with_logprobs
from ruvon.sampling.stochastic import stochastic


@pytest.fixture(scope="module")
def llm():
    return LLM("story-nano", device="cpu", dtype="float32")


def table(llm, ids):
    """The log-probabilities after each token, all at once."""
    from ruvon.attention.full import FullAttention

    hidden = llm.model(torch.tensor(ids), torch.arange(len(ids)), FullAttention())
    return llm.model.logits(hidden).log_softmax(dim=-1)


def test_scores_equal_log_softmax():
    torch.manual_seed(0)
    logits = torch.randn(500, 300) * torch.rand(500, 1) * 40
    ids = torch.randint(300, (500,))
    want = logits.double().log_softmax(dim=-1)
    made = score(logits, ids, 7)
    torch.testing.assert_close(made.values.double(), want[range(500), ids], atol=1e-4, rtol=1e-5)
    best = want.topk(7)
    torch.testing.assert_close(made.top_values.double(), best.values, atol=1e-4, rtol=1e-5)
    assert torch.equal(made.top_ids, best.indices)
    for n, one in enumerate(made.read()):
        assert (one.id, len(one.top)) == (int(ids[n]), 7)
        assert [token for token, _ in one.top] == best.indices[n].tolist()


def test_rows_that_do_not_ask_are_not_scored():
    logits = torch.randn(4, 10)
    each = [SamplingParams(logprobs=n) for n in (None, 0, None, 3)]
    rows = [Row(params, [1, 2], prompt=2) for params in each]
    sampled = with_logprobs(stochastic)(logits, rows)
    assert torch.equal(sampled.ids, logits.argmax(-1))
    assert torch.equal(sampled.logprobs.ids, sampled.ids[[1, 3]])
    plain = [Row(SamplingParams(), [1], prompt=1)] * 4
    assert with_logprobs(stochastic)(logits, plain).logprobs is None


def test_they_are_of_the_raw_distribution(llm):
    asked = {"max_tokens": 8, "logprobs": 2, "seed": 5}
    params = SamplingParams(temperature=1.5, repetition_penalty=1.3, logit_bias={7: 5}, **asked)
    [out] = llm.generate("Once upon a time", params)
    made = out.outputs[0]
    want = table(llm, [*out.prompt_token_ids, *made.token_ids])[len(out.prompt_token_ids) - 1 :]
    assert [one.id for one in made.logprobs] == made.token_ids
    for one, row in zip(made.logprobs, want, strict=False):
        assert one.logprob == pytest.approx(float(row[one.id]), abs=1e-4)
        assert one.top[0][1] == pytest.approx(float(row.max()), abs=1e-4)


@pytest.mark.parametrize("length", [1, 2, CHUNK, CHUNK + 1, CHUNK + 2, 2 * CHUNK + 1])
def test_every_token_of_a_prompt_but_the_first(llm, length, monkeypatch):
    ids = torch.randint(2048, (length,), generator=torch.manual_seed(length)).tolist()
    want = table(llm, ids)
    rows, logits = [], type(llm.model).logits

    def counted(self, hidden):
        rows.append(len(hidden))
        return logits(self, hidden)

    monkeypatch.setattr(type(llm.model), "logits", counted)
    [out] = llm.generate([ids], max_tokens=1, prompt_logprobs=2)
    assert [one.id for one in out.prompt_logprobs] == ids[1:]
    for at, one in enumerate(out.prompt_logprobs):
        assert one.logprob == pytest.approx(float(want[at, one.id]), abs=1e-3)
        assert one.top[0][0] == int(want[at].argmax())
    assert max(rows) <= CHUNK
    assert sum(rows) == length - 1 + 1


def same(scores, others):
    """Whether two lists of scores are of the same tokens, and close."""
    flat, flat_others = (
        [(one.id, *zip(*one.top, strict=True)) for one in all] for all in (scores, others)
    )
    assert [one[:2] for one in flat] == [one[:2] for one in flat_others]
    numbers, others = (
        [value for one in all for value in (one.logprob, *(v for _, v in one.top))]
        for all in (scores, others)
    )
    return numbers == pytest.approx(others, abs=1e-4)


def test_a_prompt_in_company(llm):
    """Each gets its own scores, and those who ask for none get none."""
    each = [SamplingParams(max_tokens=2, prompt_logprobs=n, logprobs=n) for n in (1, None, 3)]
    prompts = ["Once upon", "The cat sat on", "One"]
    together = llm.generate(prompts, each)
    alone = [llm.generate(p, one)[0] for p, one in zip(prompts, each, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert same(one.prompt_logprobs, other.prompt_logprobs)
        assert same(one.outputs[0].logprobs, other.outputs[0].logprobs)
    assert [len(out.prompt_logprobs) > 0 for out in together] == [
        len(out.prompt_token_ids) > 1 and one.prompt_logprobs is not None
        for out, one in zip(together, each, strict=True)
    ]
    assert together[1].outputs[0].logprobs == []


def test_n_choices_have_scores_of_their_own(llm):
    params = SamplingParams(max_tokens=3, n=3, temperature=1.0, seed=1, logprobs=0)
    [out] = llm.generate("Once", params)
    for made in out.outputs:
        assert [one.id for one in made.logprobs] == made.token_ids


def test_the_loop_without_an_engine_has_none():
    direct = LLM("story-nano", device="cpu", dtype="float32", strategy="direct")
    with pytest.raises(RuvonError, match="another strategy than direct"):
        direct.generate("Once", logprobs=1)


@pytest.mark.parametrize("value", [-1, 1.5, "3", True])
def test_what_is_no_number_of_tokens(value):
    for name in ("logprobs", "prompt_logprobs"):
        with pytest.raises(RuvonError, match=f"{name} must be None or a whole number"):
            SamplingParams(**{name: value})
