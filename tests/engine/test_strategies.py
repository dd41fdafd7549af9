"""Every strategy gives each request what it would have got alone, without an engine."""

import random

import pytest

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.engine.strategies import STRATEGIES

PROMPTS = [
    "Once upon a time",
    "The cat",
    "One day, Tom and",
    "A",
    "She said:",
    "Lily had a dog. " * 6,
]


def llm(strategy, **keywords):
    return LLM("story-nano", device="cpu", dtype="float64", strategy=strategy, **keywords)


@pytest.fixture(scope="module")
def direct():
    return llm("direct")


def anything(rng):
    """Parameters of any kind."""
    most = rng.randint(1, 40)
    return SamplingParams(
        max_tokens=most,
        temperature=rng.choice([0, 0.7, 1.3]),
        seed=rng.randrange(1000),
        top_k=rng.choice([0, 5, 50]),
        top_p=rng.choice([1, 0.9]),
        min_p=rng.choice([0, 0.1]),
        repetition_penalty=rng.choice([1, 1.2]),
        frequency_penalty=rng.choice([0, 0.5]),
        stop=rng.choice([(), (".",), (" the", "ing")]),
        stop_token_ids=rng.choice([(), (13,)]),
        ignore_eos=rng.random() < 0.5,
        min_tokens=rng.randint(0, min(3, most)),
        n=rng.choice([1, 1, 3]),
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(4))
def test_what_a_request_gets_does_not_depend_on_the_others(strategy, seed, direct):
    rng = random.Random(seed)
    prompts = [rng.choice(PROMPTS) for _ in range(10)]
    each = [anything(rng) for _ in prompts]
    sizes = {"max_num_seqs": rng.choice([1, 3, 8]), "max_num_batched_tokens": 16}
    together = llm(strategy, **sizes).generate(prompts, each)
    assert together == direct.generate(prompts, each)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_stop_string_ends_the_run_and_frees_its_place(strategy, direct):
    one = llm(strategy)
    [out] = one.generate("Once upon a time", max_tokens=60, stop=".")
    assert out == direct.generate("Once upon a time", max_tokens=60, stop=".")[0]
    assert out.outputs[0].finish_reason == "stop"
    assert "." not in out.outputs[0].text
