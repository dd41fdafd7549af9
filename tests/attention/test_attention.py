"""Every attention against one written as loops, and all of them against each other."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.attention import ATTENTIONS
from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.attention.full import causal_attention
from ruvon.errors import RuvonError
from ruvon.memory.contiguous import ContiguousCache
from ruvon.models import load_model
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.seams import LayerSpec
from ruvon.seams import Span
from ruvon.zoo import SHIPPED
from ruvon.zoo import locate

CPU = torch.device("cpu")


def looped(layer, q, k, v):
    """Attention as it is defined, a number at a time; the last T of S tokens look."""
    T, S = q.shape[0], k.shape[0]
    out = torch.zeros_like(q)
    for h in range(layer.heads):
        kv = h // (layer.heads // layer.kv_heads)
        for t in range(T):
            seen = range(S - T + t + 1)
            weights = [math.exp(layer.scale * float(q[t, h] @ k[s, kv])) for s in seen]
            for weight, s in zip(weights, seen, strict=True):
                out[t, h] += weight / sum(weights) * v[s, kv]
    return out


@st.composite
def problems(draw):
    """A layer, and q, k, v for T of S tokens, in float64."""
    kv_heads, shared = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    head_dim, T, past = draw(st.integers(1, 5)), draw(st.integers(1, 7)), draw(st.integers(0, 5))
    scale = draw(st.sampled_from([0.1, 0.5, 1.0]))
    layer = LayerSpec(0, kv_heads * shared, kv_heads, head_dim, scale)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    q = torch.randn(T, layer.heads, head_dim, generator=generator).double()
    k, v = torch.randn(2, T + past, kv_heads, head_dim, generator=generator).double()
    return layer, q, k, v


@settings(max_examples=60, deadline=None)
@given(problems())
def test_full_attention_is_the_definition(problem):
    layer, q, k, v = problem
    assert torch.allclose(causal_attention(layer, q, k, v), looped(layer, q, k, v), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_cached_attention_is_the_definition(problem):
    """The past comes in one chunk, the rest in the next."""
    layer, q, k, v = problem
    T, S = q.shape[0], k.shape[0]
    attention = CachedAttention(ContiguousCache([layer], S, torch.float64, CPU))
    if past := S - T:
        attention.prepare([Span(0, past)])
        attention(layer, torch.zeros(past, *q.shape[1:]).double(), k[:past], v[:past])
    attention.prepare([Span(past, T)])
    out = attention(layer, q, k[past:], v[past:])
    assert torch.allclose(out, looped(layer, q, k, v), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_low_precision_stays_near_the_definition(dtype):
    layer = LayerSpec(0, 4, 2, 16, 0.25)
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(20, 4, 16, generator=generator)
    k, v = torch.randn(2, 20, 2, 16, generator=generator)
    exact = looped(layer, q, k, v)
    rounded = causal_attention(layer, q.to(dtype), k.to(dtype), v.to(dtype))
    assert rounded.dtype is dtype
    assert (rounded.float() - exact).abs().max() < 0.05


class LoudLoader(RandomLoader):
    """Random weights ten times as large, so that attention picks favourites."""

    def normal(self, *shape):
        return 10 * super().normal(*shape)


CONFIG = GPT2Config(vocab_size=64, n_positions=32, n_embd=24, n_layer=3, n_head=3)
NETWORK = GPT2(CONFIG, LoudLoader(torch.float64, CPU))


@torch.inference_mode()
def in_chunks(network, ids, sizes, capacity):
    """Logits of all positions, fed in chunks of these sizes through one cache."""
    attention = CachedAttention(
        ContiguousCache(network.layers, capacity, network.dtype, network.device)
    )
    parts, start = [], 0
    for size in sizes:
        attention.prepare([Span(start, size)])
        tokens = torch.tensor(ids[start : start + size])
        hidden = network(tokens, torch.arange(start, start + size), attention)
        parts.append(network.logits(hidden))
        start += size
    assert attention.computed == len(ids) == start
    return torch.cat(parts)


@st.composite
def splits(draw):
    """Ids, and sizes of chunks that cover them."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8).filter(lambda s: sum(s) <= 32))
    ids = draw(st.lists(st.integers(0, 63), min_size=sum(sizes), max_size=sum(sizes)))
    return ids, sizes


@settings(max_examples=100, deadline=None)
@given(splits(), st.integers(0, 5))
def test_any_split_into_chunks_gives_the_same(logits_of, split, spare):
    ids, sizes = split
    out = in_chunks(NETWORK, ids, sizes, capacity=len(ids) + spare)
    assert torch.allclose(out, logits_of(NETWORK, ids), atol=1e-6)  # logits come in float32


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("sizes", [[512], [1] * 512, [200, 1, 1, 100, 209, 1]], ids=len)
def test_shipped_models_at_every_position_of_the_context(logits_of, name, sizes):
    network = load_model(locate(name), torch.float32)
    ids = [(i * 7919 + 13) % network.vocabulary for i in range(512)]
    out = in_chunks(network, ids, sizes, capacity=512)
    assert (out - logits_of(network, ids)).abs().max() < 1e-4


def test_full_attention_must_be_fed_everything():
    with pytest.raises(AssertionError, match="feed every token"):
        FullAttention().prepare([Span(3, 1)])


def test_a_step_begins_where_the_last_one_ended():
    attention = new_attention("cached", NETWORK, 8)
    attention.prepare([Span(0, 3)])
    with pytest.raises(AssertionError, match="where the last one ended"):
        attention.prepare([Span(2, 1)])


def test_a_name_chooses_and_none_takes_the_newest():
    """The newest that the machine can do: there is no kernel in C for float64."""
    possible = [name for name in ATTENTIONS if name != "native"]
    for name in possible:
        assert new_attention(name, NETWORK, 8).computed == 0
    assert type(new_attention(None, NETWORK, 8)) is type(new_attention(possible[-1], NETWORK, 8))
    assert isinstance(new_attention("full", NETWORK, 8), FullAttention)
    with pytest.raises(RuvonError, match="'flash' is not one of full, cached, native"):
        new_attention("flash", NETWORK, 8)
