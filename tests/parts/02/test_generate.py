"""The decode loop, driven by a model without weights: after token n comes token n + 1."""

from itertools import islice

import pytest
import torch

from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.errors import RuvonError
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams


class Counting:
    """A model that counts: it says n + 1 after n, and begins again after the last id."""

    layers = ()
    context, vocabulary = 12, 10
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self):
        self.fed = []  # what each step was given

    def __call__(self, tokens, positions, attention):
        self.fed.append(list(zip(positions.tolist(), tokens.tolist(), strict=True)))
        return tokens[:, None]

    def logits(self, hidden):
        following = (hidden[:, 0] + 1) % self.vocabulary
        return torch.nn.functional.one_hot(following, self.vocabulary).float()


def continuation(prompt, eos_id=None, **params):
    """What follows `prompt`, and why it ended."""
    steps = generate(Counting(), FullAttention(), prompt, SamplingParams(**params), eos_id=eos_id)
    increments = list(steps)
    assert all(step.finish_reason is None for step in increments[:-1])
    return [token for step in increments for token in step.ids], increments[-1].finish_reason


def test_greedy_takes_the_highest_score_and_of_equals_the_first():
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, 0.0, 2.0]])
    assert greedy(logits, rows=[]).ids.tolist() == [1, 0]


def test_it_stops_after_max_tokens():
    assert continuation([3], max_tokens=4) == ([4, 5, 6, 7], "length")


def test_it_stops_at_the_end_of_text():
    assert continuation([3], eos_id=6) == ([4, 5, 6], "stop")
    assert continuation([3], eos_id=6, ignore_eos=True, max_tokens=5) == ([4, 5, 6, 7, 8], "length")


def test_it_stops_at_any_stop_id():
    assert continuation([3], stop_token_ids=(9, 5)) == ([4, 5], "stop")
    assert continuation([3], stop_token_ids=[8], eos_id=6, ignore_eos=True)[0] == [4, 5, 6, 7, 8]
    assert continuation([3], stop_token_ids=(4,), max_tokens=1) == ([4], "stop")


def test_an_end_of_text_in_the_prompt_is_only_a_token():
    assert continuation([6, 6], eos_id=6, max_tokens=2) == ([7, 8], "length")


@pytest.mark.parametrize("max_tokens", [None, 100])
@pytest.mark.parametrize("length", [1, 5, 11, 12])
def test_it_stops_when_the_context_is_full(length, max_tokens):
    """The last token is never fed, so it may stand just outside of the context of 12."""
    ids, reason = continuation([0] * length, max_tokens=max_tokens)
    assert (len(ids), reason) == (12 - length + 1, "length")


def test_a_prompt_must_have_tokens_and_fit():
    with pytest.raises(RuvonError, match="no tokens"):
        continuation([])
    with pytest.raises(RuvonError, match=r"13 tokens; this model takes 12"):
        continuation([0] * 13)


@pytest.mark.parametrize("max_tokens", [0, -1, 1.5, True, "3"])
def test_a_senseless_limit_is_refused(max_tokens):
    with pytest.raises(RuvonError, match="max_tokens"):
        SamplingParams(max_tokens=max_tokens)


def test_streaming_is_lazy():
    """A token is computed when it is asked for, not before."""
    model = Counting()
    steps = generate(model, FullAttention(), [0], SamplingParams(max_tokens=5))
    assert len(model.fed) == 0
    for asked in (1, 2, 3):
        next(steps)
        assert len(model.fed) == asked


def test_without_a_cache_every_step_feeds_everything_again():
    model = Counting()
    steps = generate(model, FullAttention(), [7, 8], SamplingParams(max_tokens=5))
    list(islice(steps, 3))
    assert model.fed == [
        [(0, 7), (1, 8)],
        [(0, 7), (1, 8), (2, 9)],
        [(0, 7), (1, 8), (2, 9), (3, 0)],
    ]
