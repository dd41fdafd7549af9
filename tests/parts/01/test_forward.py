"""One forward pass: the network against `transformers`, and what it must never do."""

import json
import math
from pathlib import Path

import pytest
import torch

from ruvon.attention.full import FullAttention
from ruvon.models import load_model
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.seams import LayerSpec
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


class LoudLoader(RandomLoader):
    """Random weights ten times as large, so that attention picks favourites."""

    def normal(self, *shape):
        return 10 * super().normal(*shape)


@pytest.fixture(scope="module")
def network():
    config = GPT2Config(vocab_size=64, n_positions=32, n_embd=24, n_layer=2, n_head=3)
    return GPT2(config, LoudLoader(torch.float64, torch.device("cpu")))


def all_logits(network, ids):
    """The scores after every token: [T, vocabulary]."""
    tokens, positions = torch.tensor(ids), torch.arange(len(ids))
    with torch.inference_mode():
        return network.logits(network(tokens, positions, FullAttention()))


def test_the_shipped_model_says_what_transformers_says():
    folder = locate("story")
    network = load_model(folder, torch.float32)
    assert Tokenizer.from_dir(folder).encode(GOLDEN["prompt"]) == GOLDEN["ids"]
    logits = all_logits(network, GOLDEN["ids"])
    assert logits.argmax(-1).tolist() == GOLDEN["best"]
    expected = torch.tensor(GOLDEN["logits"])  # [T, a few columns of the vocabulary]
    assert (logits[:, GOLDEN["columns"]] - expected).abs().max() < 1e-4


def test_one_row_of_scores_for_each_token(network):
    hidden = network(torch.tensor([5, 6, 7]), torch.arange(3), FullAttention())
    assert hidden.shape == (3, 24)
    assert network.logits(hidden).shape == (3, 64)
    assert network.logits(hidden[-1:]).shape == (1, 64)  # only the row that is asked for


@pytest.mark.parametrize("changed", range(6))
def test_no_token_sees_the_future(network, changed):
    ids = [11, 3, 42, 8, 60, 29]
    other = [*ids]
    other[changed] = 1
    before, after = all_logits(network, ids), all_logits(network, other)
    assert torch.equal(before[:changed], after[:changed])
    assert not torch.isclose(before[changed:], after[changed:]).all(-1).any()  # and sees the past


def test_the_same_tokens_in_another_order_mean_something_else(network):
    one, other = all_logits(network, [7, 8, 9]), all_logits(network, [8, 7, 9])
    assert (one[-1] - other[-1]).abs().max() > 0.01


def test_attention_is_a_softmax_over_what_came_before():
    """Full attention, written as four loops for one head at a time."""
    layer = LayerSpec(index=0, heads=2, kv_heads=2, head_dim=3, scale=0.5)
    T = 5
    q, k, v = torch.randn(3, T, 2, 3, generator=torch.Generator().manual_seed(0)).double()
    out = FullAttention()(layer, q, k, v)
    for head in range(2):
        for t in range(T):
            scores = [math.exp(0.5 * float(q[t, head] @ k[s, head])) for s in range(t + 1)]
            expected = sum(score / sum(scores) * v[s, head] for s, score in enumerate(scores))
            assert torch.allclose(out[t, head], expected)
