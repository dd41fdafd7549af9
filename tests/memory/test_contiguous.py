"""The contiguous cache: what it holds, what it refuses, what it takes."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.memory.contiguous import CacheFull
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models.gpt2 import GPT2Config
from ruvon.seams import LayerSpec

CPU = torch.device("cpu")
LAYERS = (LayerSpec(0, 4, 2, 3, 1.0), LayerSpec(1, 4, 1, 5, 1.0))  # layers need not be alike


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=8), st.integers(1, 20))
def test_it_holds_what_was_written_or_refuses_and_stays_as_it_was(counts, capacity):
    cache = ContiguousCache(LAYERS, capacity, torch.float32, CPU)
    written = {layer: ([], []) for layer in LAYERS}
    for number, count in enumerate(counts):
        before = cache.length
        if before + count > capacity:
            with pytest.raises(CacheFull, match=f"{before} of {capacity} .* {count} more"):
                cache.grow(count)
            assert cache.length == before
            continue
        cache.grow(count)
        for layer in LAYERS:
            k, v = torch.randn(2, count, layer.kv_heads, layer.head_dim) + number
            cache.write(layer, k, v)
            for kept, new in zip(written[layer], (k, v), strict=True):
                kept.append(new)
    for layer in LAYERS if cache.length else ():
        for kept, view in zip(written[layer], cache.view(layer), strict=True):
            assert torch.equal(torch.cat(kept).transpose(0, 1), view)
    assert cache.stats().tokens == cache.length


def test_a_view_is_no_copy():
    cache = ContiguousCache(LAYERS, 4, torch.float32, CPU)
    cache.grow(2)
    for layer in LAYERS:
        keys, values = cache.view(layer)
        assert keys.data_ptr() == cache.keys[layer.index].data_ptr()
        assert values.data_ptr() == cache.values[layer.index].data_ptr()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
def test_the_formula_for_layers_that_differ(dtype):
    assert bytes_per_token(LAYERS, dtype) == 2 * (2 * 3 + 1 * 5) * dtype.itemsize
    cache = ContiguousCache(LAYERS, 7, dtype, CPU)
    taken = sum(t.untyped_storage().nbytes() for t in (*cache.keys, *cache.values))
    assert taken == cache.stats().allocated == 7 * bytes_per_token(LAYERS, dtype)


def test_the_figures_everybody_knows():
    """GPT-2: 36 KiB a token in 16 bits; XL: 300 KiB, so 300 MiB for a context of 1,024."""
    small, large = GPT2Config(), GPT2Config(n_embd=1600, n_layer=48, n_head=25)
    assert bytes_per_token(small.layers, torch.bfloat16) == 36 * 1024
    assert bytes_per_token(large.layers, torch.bfloat16) * 1024 == 300 * 2**20
