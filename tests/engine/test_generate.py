"""The loop against a few lines that say what it should do, with a model without weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.engine.generate import token_limit
from ruvon.errors import RuvonError
from ruvon.memory.contiguous import ContiguousCache
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.params import SamplingParams

VOCABULARY = 11


def after(token, position):
    """The token that follows `token` at `position`: wrong as soon as either is."""
    return (3 * token + 5 * position + 1) % VOCABULARY


class Oracle:
    """A model that computes its next token from what it is fed."""

    layers = ()
    vocabulary = VOCABULARY
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, context):
        self.context = context
        self.steps = 0

    def __call__(self, tokens, positions, attention):
        assert tokens.shape == positions.shape
        assert positions.max() < self.context, "outside of the context"
        self.steps += 1
        return torch.stack([tokens, positions], dim=1)

    def logits(self, hidden):
        token, position = hidden.unbind(1)
        return torch.nn.functional.one_hot(after(token, position), VOCABULARY).float()


def expected(prompt, params, eos_id, context):
    """What the loop should make, said as plainly as possible."""
    ids, made = [*prompt], []
    while True:
        token = after(ids[-1], len(ids) - 1)
        ids.append(token)
        made.append(token)
        if token in params.stop_token_ids or (token == eos_id and not params.ignore_eos):
            return made, "stop"
        if len(made) == params.max_tokens or len(ids) > context:
            return made, "length"


ids = st.integers(0, VOCABULARY - 1)


@settings(max_examples=300, deadline=None)
@given(
    prompt=st.lists(ids, min_size=1, max_size=20),
    max_tokens=st.none() | st.integers(1, 25),
    stops=st.lists(ids, max_size=2),
    ignore_eos=st.booleans(),
    eos_id=st.none() | ids,
    context=st.integers(1, 24),
    cached=st.booleans(),
)
def test_the_loop(prompt, max_tokens, stops, ignore_eos, eos_id, context, cached):
    params = SamplingParams(max_tokens, stops, ignore_eos)
    model = Oracle(30)
    cache = ContiguousCache((), context, torch.float32, model.device)
    attention = CachedAttention(cache) if cached else FullAttention()
    steps = generate(model, attention, prompt, params, eos_id=eos_id, context=context)
    if len(prompt) > context:
        with pytest.raises(RuvonError, match=f"{len(prompt)} tokens; this model takes {context}"):
            next(steps)
        assert model.steps == 0
        return
    increments = list(steps)
    made, reason = expected(prompt, params, eos_id, context)
    assert [token for step in increments for token in step.ids] == made
    assert [step.finish_reason for step in increments] == [None] * (len(made) - 1) + [reason]
    assert model.steps == len(made)
    if cached:  # computed = prompt + generated - 1
        assert attention.computed == len(prompt) + len(made) - 1


def test_the_models_context_holds_unless_a_shorter_one_is_given():
    params = SamplingParams(max_tokens=None)
    for context, length in ((None, 9), (4, 4)):
        steps = generate(Oracle(9), FullAttention(), [1], params, context=context)
        assert len(list(steps)) == length


def test_another_sampler_may_choose():
    def lowest(logits, rows):
        assert rows[0].params.max_tokens == 3
        assert len(rows[0].ids) >= 2  # the prompt first
        return Sampled(ids=logits.argmin(-1))

    steps = generate(Oracle(9), FullAttention(), [0, 0], SamplingParams(max_tokens=3), lowest)
    assert [after(0, 1), after(0, 2), after(1, 3)] == [6, 0, 8]
    assert [step.ids[0] for step in steps] == [0, 1, 0]  # all others score 0, the first is taken


def test_the_callers_prompt_is_not_touched():
    prompt = [1, 2]
    list(generate(Oracle(9), FullAttention(), prompt, SamplingParams(max_tokens=3)))
    assert prompt == [1, 2]


@given(st.integers(1, 50), st.none() | st.integers(1, 50), st.integers(1, 50))
def test_the_limit_never_exceeds_the_context_by_more_than_one(prompt, max_tokens, context):
    limit = token_limit(prompt, SamplingParams(max_tokens=max_tokens), context)
    assert limit <= context + 1
    assert max_tokens is None or limit <= prompt + max_tokens
    assert limit == context + 1 or limit == prompt + max_tokens
