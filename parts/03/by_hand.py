"""Part 3: what the articles work by hand, small enough to read, and checked where it is used."""

import math
import sys

import torch
from torch import Tensor

from ruvon.bench.single import SHAPES
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models.gpt2 import GPT2Config
from ruvon.seams import LayerSpec


def unsafe_softmax(scores: list[float]) -> list[float]:
    """The definition. Overflows for a score over 709, where exp leaves float64."""
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def safe_softmax(scores: list[float]) -> list[float]:
    """The same numbers: subtracting the largest score cancels, and no power exceeds 1."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    return [power / sum(powers) for power in powers]


def online_attention(q: Tensor, keys: Tensor, values: Tensor, block: int) -> Tensor:
    """One query's output, keys and values read once, block by block: no row of scores is kept.

    q is [head_dim]; keys and values are [S, head_dim]. Milakov and Gimelshein, "Online
    normalizer calculation for softmax" (2018), section 3, with the values carried along.
    """
    top, total = torch.tensor(-torch.inf, dtype=q.dtype), q.new_zeros(())
    out = torch.zeros_like(q)
    for start in range(0, len(keys), block):
        scores = keys[start : start + block] @ q * len(q) ** -0.5  # [block]
        new_top = torch.maximum(top, scores.max())
        powers = (scores - new_top).exp()
        shrink = (top - new_top).exp()  # what was summed so far was relative to the old top
        total = total * shrink + powers.sum()
        out = out * shrink + powers @ values[start : start + block]
        top = new_top
    return out / total


def online_check(tokens: int = 1000, head_dim: int = 64) -> dict:
    """How far the online softmax is from the plain one, for several block sizes."""
    generator = torch.Generator().manual_seed(0)
    shape = (tokens, head_dim)
    keys, values = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in "kv")
    q = 4 * torch.randn(head_dim, generator=generator, dtype=torch.float64)
    plain = (keys @ q * head_dim**-0.5).softmax(dim=0) @ values
    blocks = [1, 16, 100, 333, tokens]
    apart = [float((online_attention(q, keys, values, b) - plain).abs().max()) for b in blocks]
    assert max(apart) < 1e-12, "the online softmax must be the softmax"
    assert max(abs(a - b) for a, b in zip(*both_softmaxes(), strict=True)) < 1e-15
    return {"tokens": tokens, "blocks": blocks, "apart": apart, "bound": 1e-12}


def both_softmaxes() -> tuple[list[float], list[float]]:
    """Where the definition still works, both must agree."""
    scores = [1.0, 3.0, -2.0, 0.5]
    return unsafe_softmax(scores), safe_softmax(scores)


def specs(layers: int, heads: int, kv_heads: int, head_dim: int) -> list[LayerSpec]:
    return [LayerSpec(i, heads, kv_heads, head_dim, head_dim**-0.5) for i in range(layers)]


def weights_of(config: GPT2Config) -> int:
    """Every number of a GPT-2: embeddings, projections with their biases, norms."""
    d, inner = config.n_embd, config.inner
    layer = (d * 3 * d + 3 * d) + (d * d + d) + (d * inner + inner) + (inner * d + d) + 4 * d
    return (config.vocab_size + config.n_positions) * d + config.n_layer * layer + 2 * d


def cache_table(request: int = 1024, gpu: float = 24e9) -> dict:
    """Cache sizes in 16 bits, with as many key heads as query heads, with a few, with one."""
    shapes = {name: (c.n_layer, c.n_head, c.n_embd // c.n_head) for name, c in SHAPES.items()}
    # 32 layers, 32 heads of 128 that share 8 key heads; 8.03 billion weights.
    shapes["llama-3-8b"] = (32, 32, 128)
    grouped = {"llama-3-8b": 8}
    weights = {name: weights_of(c) for name, c in SHAPES.items()} | {"llama-3-8b": 8_030_261_248}
    rows = {}
    for name, (layers, heads, head_dim) in shapes.items():
        # What GPT-2 would have with a quarter of the heads, or the next divisor below.
        few = grouped.get(name) or max(h for h in range(1, heads // 4 + 1) if heads % h == 0)
        row = {"layers": layers, "heads": heads, "head_dim": head_dim, "few": few}
        for way, kv_heads in (("mha", heads), ("gqa", few), ("mqa", 1)):
            token = bytes_per_token(specs(layers, heads, kv_heads, head_dim), torch.float16)
            assert token == 2 * layers * kv_heads * head_dim * 2
            left = gpu - 2 * weights[name]
            row[way] = {
                "token": token,
                "request": token * request,
                "requests": int(left // (token * request)),
            }
        rows[name] = row | {"weights": weights[name], "weight_bytes": 2 * weights[name]}
    return {"request_tokens": request, "gpu_bytes": gpu, "shapes": rows}


def attention_costs(config: GPT2Config, tokens: int, cached: int) -> dict:
    """Operations and bytes (in 16 bits) of one pass over `tokens`, `cached` others in the cache."""
    d, layers, total = config.n_embd, config.n_layer, cached + tokens
    numbers = layers * (4 * d * d + 2 * d * config.inner)
    # Each new token meets the cached ones and, on average, half of the new ones.
    pairs = tokens * cached + tokens * (tokens + 1) / 2
    return {
        "linear_flops": 2 * numbers * tokens,
        "linear_bytes": 2 * numbers,
        "attention_flops": layers * 2 * 2 * d * pairs,
        "attention_bytes": layers * 2 * 2 * d * total,
    }


def intensity_table(config: GPT2Config) -> dict:
    """Operations a byte, of prefill and decode, in the linears and in attention."""
    cases = {"decode": (1, 1023), "chunk": (64, 960), "prefill": (1024, 0)}
    rows = {}
    for name, (tokens, cached) in cases.items():
        costs = attention_costs(config, tokens, cached)
        rows[name] = costs | {
            "tokens": tokens,
            "cached": cached,
            "linear": costs["linear_flops"] / costs["linear_bytes"],
            "attention": costs["attention_flops"] / costs["attention_bytes"],
        }
    # From this length on, attention does more operations a token than the linears.
    rows["even_length"] = costs_even(config)
    return rows


def costs_even(config: GPT2Config) -> int:
    """At which length one token's attention costs as many operations as its linears."""
    numbers = 4 * config.n_embd**2 + 2 * config.n_embd * config.inner
    return 2 * numbers // (4 * config.n_embd)


def show_example() -> None:
    """The article's example: three tokens, then a fourth. One head of one number, scale 1."""
    ln2 = math.log(2)
    keys, values = [0.0, ln2, 0.0, ln2], [4.0, 8.0, 12.0, 2.0]
    for name, seen in (("c", 3), ("d", 4)):
        weights = safe_softmax([1.0 * key for key in keys[:seen]])  # every query is 1
        out = sum(w * v for w, v in zip(weights, values[:seen], strict=True))
        print(f"token {name} sees {seen}: weights {[round(w, 3) for w in weights]}, out {out:.1f}")


def show_softmax() -> None:
    """Where the definition leaves the numbers, and the rewritten form does not."""
    scores = [1000.0, 1001.0, 999.0]
    try:
        print("by the definition:", unsafe_softmax(scores))
    except OverflowError as error:
        print("by the definition:", error)
    print("with the largest subtracted:", [round(w, 3) for w in safe_softmax(scores)])


def show_online() -> None:
    """The online softmax against the plain one."""
    found = online_check()
    print(f"{found['tokens']:,} keys in blocks of {', '.join(map(str, found['blocks']))}:")
    print(f"  equal to the plain softmax within {found['bound']:.0e}")


if __name__ == "__main__":
    shows = {"example": show_example, "softmax": show_softmax, "online": show_online}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]]()
