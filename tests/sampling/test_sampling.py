"""SamplingParams refuses what no generation can honour; greedy takes the highest score."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ruvon.errors import RuvonError
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams


def test_the_defaults():
    assert SamplingParams() == SamplingParams(max_tokens=16, stop_token_ids=(), ignore_eos=False)


def test_a_list_of_stop_ids_will_do():
    assert SamplingParams(stop_token_ids=[3, 4]).stop_token_ids == (3, 4)
    hash(SamplingParams(stop_token_ids=[3, 4]))


@pytest.mark.parametrize("value", [0, -5, 2.0, "7", True, False])
def test_bad_max_tokens(value):
    with pytest.raises(RuvonError, match="max_tokens must be None or at least 1, not"):
        SamplingParams(max_tokens=value)


@pytest.mark.parametrize("value", [[-1], ["a"], [1.5], [True], 5, None, "12"])
def test_bad_stop_token_ids(value):
    with pytest.raises(RuvonError, match="stop_token_ids must be token ids, not"):
        SamplingParams(stop_token_ids=value)


@given(st.lists(st.lists(st.integers(-5, 5), min_size=4, max_size=4), min_size=1, max_size=5))
def test_greedy_is_the_first_of_the_highest(rows):
    ids = greedy(torch.tensor(rows, dtype=torch.float32), rows=[]).ids
    assert ids.tolist() == [row.index(max(row)) for row in rows]
