"""Drawing: what is kept equals transformers', what is drawn follows it, rows do not meet."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.errors import RuvonError
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import NO_TOKEN
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import stochastic
from ruvon.sampling.stochastic import tempered
from ruvon.sampling.stochastic import uniform

V = 50


def chances(logits, rows):
    """The distribution that each row is drawn from."""
    temperature = torch.tensor([[row.params.temperature] for row in rows])
    return kept(tempered(adjusted(logits, rows), temperature), rows)


def row(ids=(1,), prompt=1, stops=frozenset(), **params):
    return Row(SamplingParams(**{"temperature": 1.0, **params}), list(ids), prompt, stops)


def draw_params(generator):
    """Parameters of a row, each of them off in a third of the cases."""

    def pick(off, low, high):
        on = torch.rand(1, generator=generator).item() > 1 / 3
        size = torch.rand(1, generator=generator).item()
        return low + (high - low) * size if on else off

    return {
        "temperature": pick(1.0, 0.1, 3.0),
        "top_k": int(pick(0, 1, V + 10)),
        "top_p": pick(1.0, 0.05, 1.0),
        "min_p": pick(0.0, 0.001, 0.6),
        "repetition_penalty": pick(1.0, 0.5, 2.0),
    }


def by_transformers(logits, ids, params):
    """The same distribution by the processors of transformers, in its order."""
    from transformers.generation import logits_process as of

    chain = [of.RepetitionPenaltyLogitsProcessor(params["repetition_penalty"])]
    chain.append(of.TemperatureLogitsWarper(params["temperature"]))
    if params["top_k"]:
        chain.append(of.TopKLogitsWarper(params["top_k"]))
    if params["top_p"] < 1:
        chain.append(of.TopPLogitsWarper(params["top_p"]))
    if params["min_p"]:
        chain.append(of.MinPLogitsWarper(params["min_p"]))
    scores = logits[None].clone()
    for processor in chain:
        scores = processor(torch.tensor([ids]), scores)
    return scores.softmax(dim=-1)[0]


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_rows_are_what_transformers_makes_of_them(seed):
    """A thousand a seed, in batches of fifty rows with parameters of their own."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):
        spread = 1 + 5 * torch.rand(50, 1, generator=generator)
        logits = torch.randn(50, V, generator=generator) * spread
        each = [draw_params(generator) for _ in range(50)]
        ids = torch.randint(0, V, (50, 8), generator=generator).tolist()
        rows = [row(i, prompt=3, **p) for i, p in zip(ids, each, strict=True)]
        ours = chances(logits, rows)
        for index in range(50):
            theirs = by_transformers(logits[index], ids[index], each[index])
            assert torch.equal(ours[index] > 0, theirs > 0), each[index]
            assert torch.allclose(ours[index], theirs, atol=1e-6), each[index]


def test_min_p_after_top_p_keeps_another_set_than_before():
    """vLLM's order is min-p first: the sum that top-p cuts is then of fewer tokens."""
    logits = torch.log(torch.tensor([[0.4, 0.3, 0.14, 0.09, 0.07]]))
    [ours] = chances(logits, [row(top_p=0.8, min_p=0.3)])
    assert (ours > 0).tolist() == [True, True, True, False, False]
    first = logits.masked_fill(logits.exp() < 0.3 * 0.4, -torch.inf)
    [theirs] = chances(first, [row(top_p=0.8)])
    assert (theirs > 0).tolist() == [True, True, False, False, False]


def test_penalties_by_hand():
    logits = torch.tensor([[2.0, -2.0, 1.0, 1.0]])
    asked = {"repetition_penalty": 2.0, "presence_penalty": 0.5, "frequency_penalty": 0.25}
    [made] = adjusted(logits, [row([0, 1, 2, 2], prompt=2, **asked)])
    # 0 and 1 are the prompt: repetition alone. 2 is twice in the text: halved, - 0.5 - 2 * 0.25.
    assert made.tolist() == [1.0, -4.0, -0.5, 1.0]


def test_a_bias_adds_and_one_for_a_token_that_is_not_there_does_nothing():
    logits = torch.zeros(2, 4)
    rows = [row(logit_bias={1: 2.5, 99: 3}), row(logit_bias={3: -100, 0: 1})]
    assert adjusted(logits, rows).tolist() == [[0, 2.5, 0, 0], [1, 0, 0, -100]]


def test_no_end_before_min_tokens():
    logits = torch.tensor([[0.0, 5.0, 1.0]])
    ends = frozenset({1})
    for made, best in ((0, 2), (1, 2), (2, 1)):
        asked = row([0] * (1 + made), prompt=1, stops=ends, temperature=0, min_tokens=2)
        assert stochastic(logits, [asked]).ids.tolist() == [best]


def test_temperature_0_is_greedy_in_a_batch_of_draws():
    logits = torch.randn(6, V, generator=torch.Generator().manual_seed(0))
    rows = [row(temperature=t, seed=i) for i, t in enumerate([0, 1, 0, 2, 0.5, 0])]
    drawn, best = stochastic(logits, rows).ids, greedy(logits, rows).ids
    assert [drawn[i] for i in (0, 2, 5)] == [best[i] for i in (0, 2, 5)]


@pytest.mark.parametrize(
    "params",
    [{}, {"temperature": 0.7}, {"top_k": 5}, {"top_p": 0.7}, {"min_p": 0.1, "temperature": 1.5}],
    ids=str,
)
def test_draws_follow_the_distribution(params):
    """Chi-square of 20,000 positions: under its 99.9 % quantile, and far over when it is wrong."""
    logits = torch.randn(1, 12, generator=torch.Generator().manual_seed(1)).expand(20_000, 12)
    rows = [row(seed=7, **params)]
    asked = rows[0].params
    places = [Row(asked, range(length), 1) for length in range(1, 20_001)]
    drawn = stochastic(logits, places).ids
    expected = chances(logits[:1], rows)[0].double()
    counts = torch.bincount(drawn, minlength=12).double()
    assert counts[expected == 0].sum() == 0
    possible = expected > 0

    def chi_square(of):
        due = of[possible] / of[possible].sum() * 20_000
        return float(((counts[possible] - due) ** 2 / due).sum())

    freedom = int(possible.sum()) - 1
    # Wilson and Hilferty's approximation of the quantile.
    quantile = freedom * (1 - 2 / (9 * freedom) + 3.09 * math.sqrt(2 / (9 * freedom))) ** 3
    assert chi_square(expected) < quantile
    assert chi_square(expected.sqrt()) > 3 * quantile


def test_uniforms_are_spread_and_do_not_follow_each_other():
    for draws in (
        [uniform(3, 0, position) for position in range(20_000)],
        [uniform(seed, 0, 3) for seed in range(-10_000, 10_000)],
        [uniform(3, choice, 3) for choice in range(20_000)],
    ):
        assert all(0 <= number < 1 for number in draws)
        tenths = torch.bincount((torch.tensor(draws) * 10).long(), minlength=10).double()
        assert float(((tenths - 2000) ** 2 / 2000).sum()) < 27.9  # 99.9 % of chi-square with 9
        numbers = torch.tensor(draws, dtype=torch.float64)
        together = torch.corrcoef(torch.stack([numbers[1:], numbers[:-1]]))[0, 1]
        assert abs(float(together)) < 0.03


def test_a_row_draws_the_same_alone_and_in_any_company():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(40, V, generator=generator) * 3
    ids = torch.randint(0, V, (40, 6), generator=generator).tolist()
    each = [draw_params(generator) for _ in range(40)]
    rows = [row(i, prompt=2, seed=n, **p) for n, (i, p) in enumerate(zip(ids, each, strict=True))]
    together = stochastic(logits, rows).ids.tolist()
    alone = [int(stochastic(logits[n : n + 1], rows[n : n + 1]).ids) for n in range(40)]
    turned = stochastic(logits.flip(0), rows[::-1]).ids.tolist()[::-1]
    assert together == alone == turned


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=8),
    st.floats(0, 100, width=32),
    st.integers(-1, 10),
    st.floats(0.01, 1),
    st.floats(0, 1),
    st.integers(0, 100),
)
def test_whatever_the_logits_a_token_is_drawn_that_was_kept(
    logits, temperature, top_k, top_p, min_p, position
):
    asked = row(
        [0] * (position + 1), temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=1
    )
    scores = torch.tensor([logits], dtype=torch.float32)
    token = int(stochastic(scores, [asked]).ids)
    assert 0 <= token < len(logits)
    assert chances(scores, [asked])[0, token] > 0 or temperature == 0


@pytest.mark.parametrize("spoiled", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0, 1])
def test_a_row_that_is_no_distribution_fails_alone(spoiled, temperature):
    logits = torch.randn(3, V, generator=torch.Generator().manual_seed(5))
    rows = [row(temperature=temperature, seed=n) for n in range(3)]
    right = stochastic(logits, rows).ids.tolist()
    logits[1, 7] = spoiled
    assert stochastic(logits, rows).ids.tolist() == [right[0], NO_TOKEN, right[2]]


def test_nothing_left_is_no_token():
    logits = torch.full((2, 4), -torch.inf)
    logits[1, 2] = -3.0
    for temperature in (0, 1):
        rows = [row(temperature=temperature, top_p=0.5)] * 2
        assert stochastic(logits, rows).ids.tolist() == [NO_TOKEN, 2]


def test_all_equal_and_a_vocabulary_of_one():
    assert stochastic(torch.zeros(1, 1), [row(top_k=3, top_p=0.1)]).ids.tolist() == [0]
    equal = chances(torch.zeros(1, 4), [row(top_p=0.5, min_p=0.9)])[0]
    assert equal[equal > 0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_drawn_in_float32(dtype):
    logits = torch.randn(4, V, generator=torch.Generator().manual_seed(2)).to(dtype)
    rows = [row(seed=n, top_p=0.9) for n in range(4)]
    assert stochastic(logits, rows).ids.equal(stochastic(logits.float(), rows).ids)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("temperature", value) for value in (-0.1, math.nan, math.inf, "1", None, True, 101)],
        *[("top_p", value) for value in (0, -1, 1.01, "x")],
        *[("min_p", value) for value in (-0.1, 1.1)],
        *[("repetition_penalty", value) for value in (0, -1)],
        *[("presence_penalty", value) for value in (-2.1, 2.1)],
        *[("frequency_penalty", value) for value in (-2.1, 2.1)],
        *[("top_k", value) for value in (-2, 1.5, "3", True)],
        *[("seed", value) for value in (1.5, "3", True)],
        *[("min_tokens", value) for value in (-1, 17, 1.0)],
        *[("logit_bias", value) for value in ({-1: 1}, {1: 101}, {"a": 1}, 3, [1], {1: math.nan})],
    ],
)
def test_what_no_draw_can_honour_is_refused(name, value):
    with pytest.raises(RuvonError, match=f"{name} must"):
        SamplingParams(**{name: value})


def test_params_are_values():
    one, two = SamplingParams(logit_bias={3: 1, 1: 2}), SamplingParams(logit_bias=[(1, 2), (3, 1)])
    assert one == two
    assert hash(one) == hash(two)
