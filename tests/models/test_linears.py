"""Every way of holding a weight against the plain one, and what happens where there is none."""

import logging

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon import native as kernels
from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.bench.single import SHAPES
from ruvon.engine.generate import step
from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.layers import DenseLinear
from ruvon.models.linears import LINEARS
from ruvon.models.linears import fast_name
from ruvon.models.linears import wrap_linears
from ruvon.models.native import NativeLinear
from ruvon.models.native import to_panels
from ruvon.models.packed import PackedLinear
from ruvon.models.packed import can_pack
from ruvon.models.random import RandomLoader
from ruvon.native import NativeError
from ruvon.zoo import SHIPPED
from ruvon.zoo import locate

CPU = torch.device("cpu")
FORMATS = [torch.float32, torch.bfloat16, torch.float16]
# How far a way may be from the plain one in float64, as a share of the largest output.
CLOSE = {torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 1.5e-3}

has_native = pytest.mark.skipif(
    not kernels.has_kernel("linear", CPU, torch.float32),
    reason="no C compiler is here; install gcc or clang to run this",
)


def possible(way, dtype):
    """Whether this machine has a way of holding a weight."""
    if way == "packed":
        return can_pack(CPU, dtype)
    return kernels.has_kernel("linear", CPU, dtype)


WAYS = [(way, dtype) for way in ("packed", "native") for dtype in FORMATS if possible(way, dtype)]


def numbers(*shape, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).to(dtype)


@pytest.mark.parametrize(("way", "dtype"), WAYS, ids=str)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    T=st.one_of(st.integers(1, 14), st.sampled_from([24, 25, 40])),
    inputs=st.one_of(st.integers(1, 9), st.sampled_from([64, 192, 193, 400])),
    outputs=st.one_of(st.integers(1, 9), st.sampled_from([31, 32, 33, 64, 97])),
    then=st.sampled_from([None, "gelu", "gelu_tanh", "relu"]),
    bias=st.booleans(),
    add=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_way_is_the_plain_one(way, dtype, T, inputs, outputs, then, bias, add, seed):
    """Any sizes, whether they fill a tile or not, with everything that may follow."""
    x = numbers(T, inputs, dtype=dtype, seed=seed)
    dense = DenseLinear(
        numbers(inputs, outputs, dtype=dtype, seed=seed + 1).t(),
        numbers(outputs, dtype=dtype, seed=seed + 2) if bias else None,
    )
    residual = numbers(T, outputs, dtype=dtype, seed=seed + 3) if add else None
    exact = DenseLinear(dense.weight.double(), dense.bias.double() if bias else None)
    expected = exact(x.double(), then, residual.double() if add else None)
    given = None if residual is None else residual.clone()
    out = LINEARS[way](dense)(x, then, given)
    assert out.dtype is dtype
    assert out.shape == expected.shape
    scale = max(1.0, float(expected.abs().max()))
    assert float((out.double() - expected).abs().max()) <= CLOSE[dtype] * scale
    if add:
        assert torch.equal(given, residual), "the residual belongs to the caller"


@pytest.mark.parametrize(("way", "dtype"), [w for w in WAYS if w[0] == "native"], ids=str)
def test_results_are_rounded_to_the_nearest(way, dtype):
    """Sums of two numbers, which are exact in float32: only the last rounding is left."""
    x = numbers(600, 2, dtype=dtype)
    out = LINEARS[way](DenseLinear(torch.ones(4, 2, dtype=dtype)))(x)
    assert torch.equal(out[:, 3], x.float().sum(dim=1).to(dtype))


@has_native
def test_the_kernel_takes_views():
    """x and the residual may be slices of something wider, as q, k and v are."""
    wide = numbers(5, 96, dtype=torch.float32)
    dense = DenseLinear(numbers(8, 32, dtype=torch.float32))
    x, add = wide[:, 32:64], wide[:, :8]
    assert torch.allclose(NativeLinear(dense)(x, add=add), dense(x, add=add), atol=1e-5)


@has_native
@pytest.mark.parametrize("T", [1, 30])
def test_what_is_not_a_number_stays_with_its_token(T):
    x = numbers(T + 1, 64, dtype=torch.float32)
    x[0, 3] = float("nan")
    out = NativeLinear(DenseLinear(numbers(40, 64, dtype=torch.float32)))(x, "gelu_tanh")
    assert out[0].isnan().all()
    assert not out[1:].isnan().any()


@has_native
def test_a_token_is_the_same_in_any_company():
    """The sums of a token do not depend on how many others the step has, nor on threads."""
    dense = DenseLinear(numbers(96, 200, dtype=torch.float32), numbers(96, dtype=torch.float32))
    linear, x = NativeLinear(dense), numbers(12, 200, dtype=torch.float32)
    together = linear(x, "gelu_tanh")
    for t in range(12):
        assert torch.equal(linear(x[t : t + 1], "gelu_tanh")[0], together[t])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.equal(linear(x, "gelu_tanh"), together)
    finally:
        torch.set_num_threads(before)


def test_panels_hold_every_weight_once():
    weight = torch.arange(1, 1 + 70 * 5, dtype=torch.float32).view(70, 5)
    panels = to_panels(weight)
    assert panels.shape == (3, 5, 32)
    assert panels[1, 4, 7] == weight[39, 4]
    assert torch.equal(panels.transpose(1, 2).reshape(96, 5)[:70], weight)
    assert not panels[2, :, 6:].any()


def greedy_run(model, attention, prompt, new):
    """-> (ids, the logits of every step)."""
    looks = new_attention(attention, model, len(prompt) + new)
    known, logits = list(prompt), []
    for _ in range(new):
        last = step(model, looks, known)[0]
        logits.append(last)
        known.append(int(last.argmax()))
    return known[len(prompt) :], torch.stack(logits)


def networks(name, dtype, way):
    if name == "gpt2":
        return GPT2(SHAPES["gpt2"], wrap_linears(way)(RandomLoader(dtype, CPU)))
    return load_model(locate(name), dtype, CPU, wrap_linears(way))


@pytest.mark.parametrize("way", ["packed", "native"])
@pytest.mark.parametrize("name", [*SHIPPED, "gpt2"])
def test_ids_in_float32_equal_the_reference(name, way):
    """Wherever the reference decides by more than 1e-3; there is no such prompt without it."""
    if not possible(way, torch.float32):
        pytest.skip(f"{way} weights are not possible here: install gcc or clang")
    plain, held = networks(name, torch.float32, "dense"), networks(name, torch.float32, way)
    compared = 0
    for seed in range(3 if name == "gpt2" else 6):
        draw = torch.Generator().manual_seed(seed)
        prompt = torch.randint(plain.vocabulary, (24,), generator=draw).tolist()
        expected, logits = greedy_run(plain, "cached", prompt, 12)
        made, near = greedy_run(held, None, prompt, 12)
        top = logits.topk(2).values
        clear = (top[:, 0] - top[:, 1] > 1e-3).tolist()
        sure = clear.index(False) if False in clear else len(clear)
        assert made[:sure] == expected[:sure]
        assert float((near[0] - logits[0]).abs().max()) < 1e-3
        compared += sure
    assert compared > 10


@pytest.mark.parametrize("way", ["packed", "native"])
@pytest.mark.parametrize("name", [*SHIPPED, "gpt2"])
def test_logits_in_bfloat16_are_near_the_float32_ones(name, way):
    """Every logit within 6 % of the logits' spread; the plain way in bfloat16 is as far off."""
    if not possible(way, torch.bfloat16):
        pytest.skip(f"{way} weights are not possible here: install gcc or clang")
    prompt = list(range(40, 64))
    exact = greedy_run(networks(name, torch.float32, "dense"), "cached", prompt, 1)[1]
    plain = greedy_run(networks(name, torch.bfloat16, "dense"), "cached", prompt, 1)[1]
    held = greedy_run(networks(name, torch.bfloat16, way), None, prompt, 1)[1]
    if name == "gpt2":  # random weights are drawn in the format itself, so they differ
        exact = plain
    spread = float(exact.std())
    assert float((held - exact).abs().max()) < 0.06 * spread


def test_what_suits_a_machine(monkeypatch):
    monkeypatch.setattr("ruvon.models.linears.has_bf16_instructions", lambda: True)
    assert fast_name(CPU, torch.bfloat16) == "packed"
    assert fast_name(CPU, torch.float32) == "native"
    monkeypatch.setattr("ruvon.models.linears.has_bf16_instructions", lambda: False)
    assert fast_name(CPU, torch.bfloat16) == "native"
    assert fast_name(CPU, torch.float64) == "dense"
    assert fast_name(torch.device("cuda"), torch.bfloat16) == "dense"


@pytest.fixture
def no_compiler(monkeypatch):
    """A machine without a C compiler."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("ruvon.native.shutil.which", lambda name: None)
    for cached in (kernels.find_library, kernels.say_once):
        cached.cache_clear()
    yield
    for cached in (kernels.find_library, kernels.say_once):
        cached.cache_clear()


def test_without_a_compiler_one_line_says_why(no_compiler, caplog):
    config = GPT2Config(vocab_size=50, n_positions=16, n_embd=32, n_layer=2, n_head=2)
    with caplog.at_level(logging.WARNING, "ruvon"):
        model = GPT2(config, wrap_linears()(RandomLoader(torch.float32, CPU)))
    assert isinstance(model.head, DenseLinear)
    assert isinstance(new_attention(None, model, 8), CachedAttention)
    assert [record.getMessage() for record in caplog.records] == [
        "weights stay as PyTorch holds them, which is slower: no C compiler is here; with gcc or "
        "clang installed, decoding is faster"
    ]


def test_what_is_asked_for_by_name_is_refused_where_it_is_not(no_compiler):
    loader = RandomLoader(torch.float32, CPU)
    with pytest.raises(NativeError, match="no C compiler is here"):
        GPT2(GPT2Config(n_layer=1), wrap_linears("native")(loader))
    with pytest.raises(RuvonError, match="linear 'fast' is not one of auto, dense, packed, native"):
        wrap_linears("fast")
    with pytest.raises(RuvonError, match=r"oneDNN packs no torch\.float64 weights on this cpu"):
        PackedLinear(DenseLinear(torch.ones(4, 4, dtype=torch.float64)))


@has_native
def test_no_kernel_for_a_format_is_said_by_name():
    with pytest.raises(NativeError, match=r"no C kernel for torch\.float64"):
        NativeLinear(DenseLinear(torch.ones(4, 4, dtype=torch.float64)))
    with pytest.raises(NativeError, match="for the CPU, not for cuda"):
        kernels.kernel("linear", torch.device("cuda"), torch.float32)


@has_native
def test_a_broken_source_falls_back(monkeypatch, tmp_path):
    """A compiler that fails is no reason to stop: its first error is in the line."""
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'x.c:1: error: no such luck' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernels.find_library.cache_clear()
    try:
        with pytest.raises(NativeError, match="error: no such luck"):
            kernels.library()
        assert not list((tmp_path / "cache").rglob("*.so"))
    finally:
        kernels.find_library.cache_clear()
