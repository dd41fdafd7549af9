"""Drawing: each knob by hand, their order, and that a row draws the same in any company."""

import math

import pytest
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.errors import RuvonError
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import greedy
from ruvon.sampling.stochastic import NO_TOKEN
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import inverse_cdf
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import seeded
from ruvon.sampling.stochastic import stochastic
from ruvon.sampling.stochastic import tempered
from ruvon.sampling.stochastic import uniform

# Chances of 0.4, 0.3, 0.2 and 0.1.
LOGITS = torch.tensor([[4.0, 3.0, 2.0, 1.0]]).log()


def row(ids=(0,), prompt=1, stops=frozenset(), choice=0, **params):
    asked = SamplingParams(**{"temperature": 1.0, **params})
    return Row(asked, list(ids), prompt, stops, choice)


def chances(logits, rows):
    """The distribution that each row is drawn from."""
    temperature = torch.tensor([[one.params.temperature] for one in rows])
    return kept(tempered(adjusted(logits, rows), temperature), rows)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": -1}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_k": 9}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_p": 0.75}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 0.01}, [1, 0, 0, 0]),
        ({"min_p": 0.3}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"min_p": 1.0}, [1, 0, 0, 0]),
    ],
    ids=str,
)
def test_each_knob_by_hand(params, expected):
    assert chances(LOGITS, [row(**params)])[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_temperature_comes_before_the_filters():
    """At 0.5 two tokens have 0.83 together; filtered first, three would stay."""
    [made] = chances(LOGITS, [row(temperature=0.5, top_p=0.75)])
    assert made.tolist() == pytest.approx([16 / 25, 9 / 25, 0, 0], abs=1e-6)


def test_top_p_comes_before_min_p():
    """In the other order, top-p would count among 0.9 and keep two."""
    [made] = chances(LOGITS, [row(top_p=0.75, min_p=0.3)])
    assert made.tolist() == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0], abs=1e-6)


def test_equals_of_the_kth_stay():
    [made] = chances(torch.tensor([[1.0, 1.0, 1.0, 0.0]]), [row(top_k=2)])
    assert (made > 0).tolist() == [True, True, True, False]


def test_a_penalty_never_makes_a_token_likelier():
    """Division would lift a negative logit, so that one is multiplied."""
    asked = row([0, 1], prompt=1, repetition_penalty=2.0)
    assert adjusted(torch.tensor([[1.0, -1.0, 1.0]]), [asked]).tolist() == [[0.5, -2.0, 1.0]]


def test_presence_and_frequency_count_the_text_and_not_the_prompt():
    asked = row([0, 1, 1], prompt=1, presence_penalty=0.5, frequency_penalty=0.25)
    assert adjusted(torch.zeros(1, 3), [asked]).tolist() == [[0.0, -1.0, 0.0]]


@pytest.mark.parametrize(
    ("number", "token"), [(0.0, 0), (0.39, 0), (0.41, 1), (0.69, 1), (0.71, 2), (0.999, 3)]
)
def test_the_token_is_where_the_cumulated_chances_pass_the_number(number, token):
    made = chances(LOGITS, [row()])
    assert inverse_cdf(made, torch.tensor([[number]])).tolist() == [token]


def test_a_token_without_a_chance_is_never_drawn():
    lonely = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]])
    drawn = {int(inverse_cdf(lonely, torch.tensor([[n / 100]]))) for n in range(100)}
    assert drawn == {1, 3}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5, "top_p": 0.75}, [16 / 25, 9 / 25]),
        ({"top_p": 0.75, "min_p": 0.3}, [4 / 9, 3 / 9, 2 / 9]),
    ],
    ids=str,
)
def test_draws_follow_the_chances(params, expected):
    """Chi-square of 5,000 positions, under its 99.9 % quantile; far over for other chances."""
    asked = SamplingParams(**{"temperature": 1.0, "seed": 7, **params})
    rows = [Row(asked, range(length), prompt=1) for length in range(1, 5001)]
    counts = torch.bincount(stochastic(LOGITS.expand(5000, 4), rows).ids, minlength=4)
    kept_tokens = len(expected)
    assert counts[kept_tokens:].sum() == 0

    def chi_square(of):
        due = torch.tensor(of) * 5000
        return float(((counts[:kept_tokens] - due) ** 2 / due).sum())

    assert chi_square(expected) < 16.27  # three degrees of freedom, or less
    assert chi_square([expected[0] - 0.05, *expected[1:-1], expected[-1] + 0.05]) > 30


def test_temperature_0_is_greedy_among_draws():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    drawn = stochastic(logits, [row(seed=1), row(temperature=0), row(seed=2)]).ids
    assert drawn[1] == greedy(logits, []).ids[1]


def test_a_row_draws_the_same_in_any_company():
    logits = 3 * torch.randn(8, 50, generator=torch.Generator().manual_seed(0))
    each = [{"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.1}, {"repetition_penalty": 1.5}] * 2
    rows = [row([n] * (n + 1), seed=n, **params) for n, params in enumerate(each)]
    together = stochastic(logits, rows).ids.tolist()
    backwards = stochastic(logits.flip(0), rows[::-1]).ids.tolist()[::-1]
    alone = [int(stochastic(logits[n : n + 1], [rows[n]]).ids) for n in range(8)]
    assert together == backwards == alone


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("spoiled", [math.nan, math.inf])
def test_a_spoiled_row_fails_alone(temperature, spoiled):
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(5))
    rows = [row(temperature=temperature, seed=n) for n in range(3)]
    right = stochastic(logits, rows).ids.tolist()
    logits[1, 7] = spoiled
    assert stochastic(logits, rows).ids.tolist() == [right[0], NO_TOKEN, right[2]]


def test_the_number_depends_on_seed_choice_and_position():
    numbers = {uniform(s, c, p) for s in range(10) for c in range(10) for p in range(10)}
    assert len(numbers) == 1000
    assert uniform(3, 1, 4) == uniform(3, 1, 4)
    assert all(0 <= number < 1 for number in numbers)


def test_without_a_seed_one_is_drawn_where_it_is_needed():
    assert seeded(SamplingParams(temperature=1.0, seed=5)).seed == 5
    assert seeded(SamplingParams()).seed is None
    assert len({seeded(SamplingParams(temperature=1.0)).seed for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("top_p", 0),
        ("top_p", 1.1),
        ("top_k", -2),
        ("min_p", 1.1),
        ("repetition_penalty", 0),
        ("presence_penalty", 2.1),
        ("seed", 1.5),
        ("n", 0),
    ],
)
def test_what_no_draw_can_honour_is_refused(name, value):
    with pytest.raises(RuvonError, match=f"{name} must"):
        SamplingParams(**{name: value})


def test_a_seed_is_a_text_and_each_choice_is_another():
    llm = LLM("story-nano", device="cpu", dtype="float32")
    params = SamplingParams(temperature=1.0, seed=5, n=3, max_tokens=12)
    [once, other] = llm.generate(["The dog", "Once upon a time"], params)
    [again] = llm.generate("Once upon a time", params)
    assert again.outputs == other.outputs, "what ran before must not matter"
    assert len({made.text for made in once.outputs}) == 3
