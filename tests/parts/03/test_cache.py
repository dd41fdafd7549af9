"""With a cache, a step computes only what is new, and nothing else changes."""

from itertools import combinations

import pytest
import torch

from ruvon import LLM
from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.memory.contiguous import CacheFull
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Span

IDS = [11, 3, 42, 8, 60, 29]


class LoudLoader(RandomLoader):
    """Random weights ten times as large, so that attention picks favourites."""

    def normal(self, *shape):
        return 10 * super().normal(*shape)


@pytest.fixture(scope="module")
def network():
    config = GPT2Config(vocab_size=64, n_positions=32, n_embd=24, n_layer=2, n_head=3)
    return GPT2(config, LoudLoader(torch.float64, torch.device("cpu")))


def new_cache(network, capacity):
    return ContiguousCache(network.layers, capacity, network.dtype, network.device)


@torch.inference_mode()
def feed(network, attention, ids, start=0):
    """One step over `ids`, the first of them at position `start`. -> logits [T, vocabulary]."""
    attention.prepare([Span(start, len(ids))])
    positions = torch.arange(start, start + len(ids))
    return network.logits(network(torch.tensor(ids), positions, attention))


# All ways to cut the tokens into chunks, as places to cut at: 32 of them.
SPLITS = [cuts for n in range(len(IDS)) for cuts in combinations(range(1, len(IDS)), n)]


@pytest.mark.parametrize("cuts", SPLITS, ids=str)
def test_any_split_into_chunks_gives_what_full_attention_gives(network, cuts):
    expected = feed(network, FullAttention(), IDS)
    attention = CachedAttention(new_cache(network, len(IDS)))
    bounds = zip((0, *cuts), (*cuts, len(IDS)), strict=True)
    chunks = [feed(network, attention, IDS[start:end], start) for start, end in bounds]
    assert torch.allclose(torch.cat(chunks), expected, atol=1e-6)


def test_after_the_prompt_each_step_feeds_one_token(network):
    fed = []

    class Watched(CachedAttention):
        def prepare(self, spans):
            fed.extend(spans)
            super().prepare(spans)

    attention = Watched(new_cache(network, 32))
    list(generate(network, attention, IDS, SamplingParams(max_tokens=4)))
    assert fed == [Span(0, 6), Span(6, 1), Span(7, 1), Span(8, 1)]
    assert attention.computed == len(IDS) + 4 - 1  # the last token is never fed


def test_a_full_cache_is_refused_before_the_model_runs(network):
    attention = CachedAttention(new_cache(network, 5))
    feed(network, attention, IDS[:4])
    held = [t.clone() for t in (*attention.cache.keys, *attention.cache.values)]

    def never(*arguments):
        raise AssertionError("the model ran")

    with pytest.raises(CacheFull, match="4 of 5 tokens and cannot take 2 more"):
        feed(never, attention, IDS[4:], start=4)
    assert attention.computed == 4
    now = [*attention.cache.keys, *attention.cache.values]
    assert all(torch.equal(a[:, :4], b[:, :4]) for a, b in zip(held, now, strict=True))
    feed(network, attention, IDS[4:5], start=4)  # one more still fits


def test_a_freed_cache_serves_the_next_sequence(network):
    cache = new_cache(network, 6)
    feed(network, CachedAttention(cache), IDS)
    cache.free()
    again = feed(network, CachedAttention(cache), IDS[::-1])
    assert torch.allclose(again, feed(network, FullAttention(), IDS[::-1]), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_memory_formula_is_what_the_tensors_take(network, dtype):
    """2 (key and value) x layers x heads x head_dim x bytes a number, for each token."""
    token = bytes_per_token(network.layers, dtype)
    assert token == 2 * 2 * 3 * 8 * dtype.itemsize
    cache = ContiguousCache(network.layers, 10, dtype, torch.device("cpu"))
    tensors = [*cache.keys, *cache.values]
    assert token * 10 == sum(t.untyped_storage().nbytes() for t in tensors)
    assert cache.stats().allocated == token * 10
    cache.grow(3)
    assert cache.stats().used == token * 3


def test_the_shipped_model_tells_the_same_story_with_and_without_a_cache():
    """In float64, where no two scores are so near that rounding decides between them."""
    ids = [
        LLM("story", device="cpu", dtype="float64", attention=way)
        .generate("Once upon a time", max_tokens=40)[0]
        .outputs[0]
        .token_ids
        for way in ("full", "cached")
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 40
