"""Drawn texts: a seed is a text, wherever and whenever it is drawn."""

from dataclasses import replace

import pytest
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.errors import RuvonError
from ruvon.sampling.stochastic import stochastic


@pytest.fixture(scope="module")
def llm():
    return LLM("story-nano", device="cpu", dtype="float32")


def text(llm, prompt="Once upon a time", **params):
    [out] = llm.generate(prompt, **{"max_tokens": 24, **params})
    return out.outputs[0].text


def test_the_same_seed_draws_the_same_text_and_another_one_another(llm):
    params = {"temperature": 1.0, "top_p": 0.95}
    assert text(llm, seed=1, **params) == text(llm, seed=1, **params)
    assert len({text(llm, seed=seed, **params) for seed in range(6)}) == 6


def test_without_a_seed_each_text_is_its_own(llm):
    assert len({text(llm, temperature=1.0) for _ in range(4)}) == 4


def test_temperature_0_is_what_it_was(llm):
    assert text(llm, temperature=0) == text(llm) == text(llm, seed=3)


def test_a_text_does_not_depend_on_the_prompts_around_it(llm):
    each = [SamplingParams(temperature=1.0, seed=n, max_tokens=12) for n in range(3)]
    prompts = ["One day", "The cat", "Once"]
    together = [out.outputs[0].text for out in llm.generate(prompts, each)]
    alone = [llm.generate(p, one)[0].outputs[0].text for p, one in zip(prompts, each, strict=True)]
    assert together == alone


def test_n_texts_of_one_seed_are_different_and_the_same_each_time(llm):
    params = SamplingParams(temperature=1.0, seed=5, n=4, max_tokens=12)
    once, again = (llm.generate(["Once upon a time", "The"], params) for _ in range(2))
    assert once == again
    for out in once:
        assert [made.index for made in out.outputs] == [0, 1, 2, 3]
        assert len({made.text for made in out.outputs}) == 4
    alone = replace(params, n=1)
    assert llm.generate("The", alone)[0].outputs[0] == once[1].outputs[0]


def test_a_stream_is_one_text(llm):
    with pytest.raises(RuvonError, match="n > 1"):
        next(llm.stream("Once", n=2))


def test_penalties_and_min_tokens_reach_the_loop(llm):
    often = text(llm, max_tokens=100)
    rarely = text(llm, max_tokens=100, frequency_penalty=2.0)
    assert len(set(rarely.split())) > len(set(often.split()))
    first = llm.generate("Once upon a time", max_tokens=1)[0].outputs[0].token_ids
    stopped = llm.generate("Once upon a time", max_tokens=8, min_tokens=5, stop_token_ids=first)
    assert len(stopped[0].outputs[0].token_ids) >= 5


def test_logits_that_are_no_numbers_end_the_run_with_a_message():
    class Broken:
        layers, context, vocabulary = (), 8, 4
        dtype, device = torch.float32, torch.device("cpu")

        def __call__(self, tokens, positions, attention):
            return tokens[:, None]

        def logits(self, hidden):
            return torch.full((len(hidden), 4), torch.nan)

    steps = generate(Broken(), FullAttention(), [1], SamplingParams(), sample=stochastic)
    with pytest.raises(RuvonError, match="logits are not numbers"):
        next(steps)
