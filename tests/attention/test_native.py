"""Attention in C against the fused operator: any chunks, head sizes and shared keys."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.attention.native import NativeCachedAttention
from ruvon.memory.contiguous import ContiguousCache
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.native import NativeError
from ruvon.native import has_kernel
from ruvon.seams import LayerSpec
from ruvon.seams import Span

CPU = torch.device("cpu")
FORMATS = [torch.float32, torch.bfloat16, torch.float16]
CLOSE = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 4e-3}

pytestmark = pytest.mark.skipif(
    not has_kernel("attend", CPU, torch.float32),
    reason="no C compiler is here; install gcc or clang to run this",
)


def in_chunks(kind, layer, q, k, v, sizes):
    """Attention over a sequence that comes in chunks. -> its outputs, and what the cache holds."""
    attention = kind(ContiguousCache([layer], sum(sizes) + 3, q.dtype, CPU))
    outs, start = [], 0
    for size in sizes:
        attention.prepare([Span(start, size)])
        end = start + size
        outs.append(attention(layer, q[start:end], k[start:end], v[start:end]))
        start = end
    return torch.cat(outs), torch.cat(attention.cache.view(layer))


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    kv_heads=st.integers(1, 3),
    shared=st.integers(1, 3),
    size=st.sampled_from([16, 32, 40, 64, 96, 128, 256]),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    scale=st.sampled_from([0.05, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_in_c_as_by_the_operator(dtype, kv_heads, shared, size, sizes, scale, seed):
    if not has_kernel("attend", CPU, dtype):
        pytest.skip(f"this processor has no instructions for {dtype}")
    layer = LayerSpec(0, kv_heads * shared, kv_heads, size, scale)
    generator = torch.Generator().manual_seed(seed)
    heads = layer.heads + 2 * kv_heads
    # q, k and v are slices of one projection, as the model hands them over.
    whole = torch.randn(sum(sizes), heads, size, generator=generator).to(dtype)
    q, k, v = whole.split([layer.heads, kv_heads, kv_heads], dim=1)
    exact, held = in_chunks(CachedAttention, layer, q.double(), k.double(), v.double(), sizes)
    out, stored = in_chunks(NativeCachedAttention, layer, q, k, v, sizes)
    assert out.dtype is dtype
    assert torch.equal(stored, held.to(dtype)), "keys and values are stored as they came"
    assert torch.allclose(out.double(), exact, atol=CLOSE[dtype], rtol=CLOSE[dtype])


def test_what_is_not_a_number_stays_with_its_token():
    layer = LayerSpec(0, 1, 1, 32, 1.0)
    q, k, v = torch.randn(3, 6, 1, 32, generator=torch.Generator().manual_seed(0))
    q[2] = float("nan")
    out, _ = in_chunks(NativeCachedAttention, layer, q, k, v, [1, 1, 1, 1, 1, 1])
    assert out[2].isnan().all()
    assert not out[[0, 1, 3, 4, 5]].isnan().any()


def test_it_is_the_default_where_it_can_be():
    config = GPT2Config(vocab_size=9, n_positions=8, n_embd=32, n_layer=1, n_head=1)
    for dtype, kind in ((torch.float32, NativeCachedAttention), (torch.float64, CachedAttention)):
        model = GPT2(config, RandomLoader(dtype, CPU))
        assert type(new_attention(None, model, 8)) is kind
    with pytest.raises(NativeError, match=r"no C kernel for torch\.float64"):
        new_attention("native", model, 8)
