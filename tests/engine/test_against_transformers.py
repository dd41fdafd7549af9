"""Greedy ids equal those of `transformers`, and the cache changes none, over 50 prompts."""

from itertools import groupby
from itertools import product

import pytest
import torch

from ruvon.attention import new_attention
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

NEW = 16
OPENINGS = ("Once upon a time", "One day", "Tom and his mom", "The little dog", "In the park")
MIDDLES = (
    ", there was a",
    " went to the",
    " wanted to play with",
    ' said, "I',
    " saw a big red",
    " was very sad because",
    " and the cat",
    "\n\nThen",
    " lived in a small house near the",
    " found",
)


@pytest.fixture(scope="module")
def story():
    """`story` in float64, where no two scores are so near that rounding decides between them."""
    return load_model(locate("story"), torch.float64)


@pytest.fixture(scope="module")
def prompts():
    encode = Tokenizer.from_dir(locate("story")).encode
    return [encode(a + b) for a, b in product(OPENINGS, MIDDLES)]


@pytest.fixture(scope="module")
def reference_ids(prompts):
    """What `transformers` makes of each prompt, up to and with the end of text."""
    from transformers import GPT2LMHeadModel

    network = GPT2LMHeadModel.from_pretrained(locate("story"), dtype=torch.float64).eval()
    eos = network.config.eos_token_id
    made = {}
    for length, group in groupby(sorted(prompts, key=len), key=len):
        batch = torch.tensor(list(group))  # of one length, so that nothing is padded
        out = network.generate(
            batch,
            attention_mask=torch.ones_like(batch),
            do_sample=False,
            max_new_tokens=NEW,
            pad_token_id=eos,
        )
        for prompt, row in zip(batch.tolist(), out[:, length:].tolist(), strict=True):
            made[tuple(prompt)] = row[: row.index(eos) + 1] if eos in row else row
    return [made[tuple(prompt)] for prompt in prompts]


@pytest.mark.parametrize("attention", ["full", "cached"])
def test_fifty_prompts(story, prompts, reference_ids, attention):
    eos_id = Tokenizer.from_dir(locate("story")).eos_id
    params = SamplingParams(max_tokens=NEW)
    assert len({tuple(prompt) for prompt in prompts}) == 50
    for prompt, expected in zip(prompts, reference_ids, strict=True):
        looks = new_attention(attention, story, len(prompt) + NEW)
        steps = generate(story, looks, prompt, params, eos_id=eos_id)
        assert [token for step in steps for token in step.ids] == expected


def test_the_prompts_lead_to_different_stories(reference_ids):
    assert len({tuple(row) for row in reference_ids}) > 40


def test_an_end_of_text_comes_where_transformers_has_it(story):
    """Long enough to reach an end: the loop must see it, and `transformers` must agree."""
    from transformers import GPT2LMHeadModel

    tokenizer = Tokenizer.from_dir(locate("story"))
    network = GPT2LMHeadModel.from_pretrained(locate("story"), dtype=torch.float64).eval()
    prompt = tokenizer.encode("They were happy. The end.")
    out = network.generate(
        torch.tensor([prompt]),
        do_sample=False,
        max_length=network.config.n_positions,
        pad_token_id=tokenizer.eos_id,
    )[0, len(prompt) :].tolist()
    steps = list(
        generate(
            story,
            new_attention("cached", story, story.context),
            prompt,
            SamplingParams(max_tokens=len(out)),
            eos_id=tokenizer.eos_id,
        )
    )
    assert [token for step in steps for token in step.ids] == out
    assert out[-1] == tokenizer.eos_id
    assert steps[-1].finish_reason == "stop"
