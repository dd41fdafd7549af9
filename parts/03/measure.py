"""Part 3: the experiments behind the article's numbers. Writes results/*.json."""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from by_hand import attention_costs
from by_hand import cache_table
from by_hand import intensity_table
from by_hand import online_check
from evidence import equality
from evidence import memory
from evidence import trace
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.bench.floor import decode_bytes
from ruvon.bench.floor import measure_machine
from ruvon.bench.floor import prefill_flops
from ruvon.bench.floor import step_numbers
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.bench.single import bench_decode
from ruvon.bench.single import bench_prefill
from ruvon.bench.single import operators_a_step
from ruvon.bench.single import random_prompt
from ruvon.bench.single import seconds_to_generate
from ruvon.engine.generate import step
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.linears import LINEARS
from ruvon.models.linears import wrap_linears
from ruvon.models.random import RandomLoader
from ruvon.seams import LayerSpec
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

RESULTS = Path(__file__).parent / "results"
COMMAND = "python parts/03/measure.py"
CPU = torch.device("cpu")


class FusedAttention(FullAttention):
    """Full attention by the operator that the cache uses: all that is left out is the memory."""

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))  # [1, heads, T, head_dim]
        many = q.shape[2] > 1
        out = F.scaled_dot_product_attention(q, k, v, is_causal=many, scale=layer.scale)
        return out[0].transpose(0, 1)


def interleaved(ways: dict[str, Callable[[], object]], least: int) -> dict[str, list[float]]:
    """Time each way in turns, the quick ones more often. -> seconds of each call, after one."""
    samples: dict[str, list[float]] = {name: [] for name in ways}
    rounds, done = least, -1  # the first round warms up
    while done < rounds:
        for name, work in ways.items():
            started = time.perf_counter()
            work()
            samples[name].append(time.perf_counter() - started)
        if done < 0:
            slowest = max(taken[0] for taken in samples.values())
            rounds = max(least, min(8 * least, int(0.05 * least / slowest)))
        done += 1
    return {name: [round(s, 7) for s in taken[1:]] for name, taken in samples.items()}


def one_step(model: Model, length: int, least: int) -> dict[str, list[float]]:
    """The step that samples after token number `length`: everything again, or the last alone."""
    known = random_prompt(model, length, seed=0)
    cached = new_attention("cached", model, length)
    assert isinstance(cached, CachedAttention)
    if length > 1:
        step(model, cached, known[:-1])

    def last_alone() -> None:
        cached.cache.length = length - 1  # take back the slot of the call before
        step(model, cached, known)

    return interleaved(
        {
            "full": lambda: step(model, FullAttention(), known),
            "fused": lambda: step(model, FusedAttention(), known),
            "cached": last_alone,
        },
        least,
    )


def grid(model: Model, lengths: list[int], least: int) -> dict:
    """Step time against length, full against cached."""
    samples = [one_step(model, length, least) for length in lengths]
    medians = {
        way: [statistics.median(sample[way]) for sample in samples]
        for way in ("full", "fused", "cached")
    }
    ratios = [a / b for a, b in zip(medians["fused"], medians["cached"], strict=True)]
    # The first length from which on the cache saves a tenth or more, by the same operator.
    wins = next(i for i in range(len(lengths)) if all(r > 1.1 for r in ratios[i:]))
    return {
        "lengths": lengths,
        **medians,
        "fused_over_cached": ratios,
        "cache_wins_from": lengths[wins],
        "longest": {way: medians[way][-1] for way in medians} | {"length": lengths[-1]},
        "shortest": {way: medians[way][0] for way in medians} | {"ratio": ratios[0]},
        "samples": samples,
    }


def totals(model: Model, prompt_tokens: int, new: int, repeats: int) -> dict:
    """Whole generations; and of one token only, where a cache has nothing to give."""
    prompt = random_prompt(model, prompt_tokens, seed=0)
    whole, one = (
        interleaved(
            {
                way: lambda way=way, n=n: seconds_to_generate(model, prompt, n, way)
                for way in ("full", "cached")
            },
            repeats,
        )
        for n in (new, 1)
    )
    return {
        "prompt_tokens": prompt_tokens,
        "new_tokens": new,
        "computed_full": sum(range(prompt_tokens, prompt_tokens + new)),
        "computed_cached": prompt_tokens + new - 1,
        "full": whole["full"],
        "cached": whole["cached"],
        "one_full": one["full"],
        "one_cached": one["cached"],
    }


def prefill_in_chunks(model: Model, tokens: int, sizes: list[int], repeats: int) -> dict:
    """The same prompt in chunks of several sizes."""
    known = random_prompt(model, tokens, seed=0)

    def chunked(size: int) -> None:
        attention = new_attention("cached", model, tokens)
        for end in range(size, tokens + 1, size):
            step(model, attention, known[:end])

    samples = interleaved({str(n): lambda n=n: chunked(n) for n in sizes}, repeats)
    return {
        "tokens": tokens,
        "sizes": sizes,
        "seconds": [statistics.median(samples[str(n)]) for n in sizes],
        "over_one_pass": [
            statistics.median(samples[str(n)]) / statistics.median(samples[str(tokens)])
            for n in sizes
        ],
        "samples": samples,
    }


def ways(dtype: torch.dtype, repeats: int) -> dict:
    """GPT-2's shape with its weights held in each way: a decode step and a prompt, in turns."""
    config = GPT2Config()
    models = {way: GPT2(config, wrap_linears(way)(RandomLoader(dtype, CPU))) for way in LINEARS}
    looks = {way: "native" if way == "native" else "cached" for way in models}
    known = random_prompt(models["dense"], 512, seed=0)
    kept = {way: new_attention(looks[way], models[way], 512) for way in models}
    for way, model in models.items():
        step(model, kept[way], known[:191])

    def decode(way: str) -> None:
        kept[way].cache.length = 191  # take back the slot of the call before
        step(models[way], kept[way], known[:192])

    def prefill(way: str) -> None:
        step(models[way], new_attention(looks[way], models[way], 512), known)

    read = step_numbers(config) * dtype.itemsize
    machines = [measure_machine(CPU, dtype, read)]
    steps = interleaved({w: lambda w=w: decode(w) for w in models}, 8 * repeats)
    machines.append(measure_machine(CPU, dtype, read))
    prompts = interleaved({w: lambda w=w: prefill(w) for w in models}, repeats)
    machines.append(measure_machine(CPU, dtype, read))
    # What the machine can do at best, of three looks at it.
    bandwidth, flops = max(m.bandwidth for m in machines), max(m.flops for m in machines)
    return {
        "decode": steps,
        "prefill": prompts,
        "decode_floor": decode_bytes(config, dtype, 192) / bandwidth,
        "prefill_floor": prefill_flops(config, 512) / flops,
        "bandwidth": bandwidth,
        "operators": {way: operators_a_step(models[way], looks[way]) for way in models},
    }


def roofline(model: Model, config: GPT2Config, name: str, repeats: int) -> dict:
    """Decode and prefill beside the floor, and passes of growing size between the two roofs."""
    decode = bench_decode(model, config, name, 128, 32, repeats, "cached")
    prefill = bench_prefill(model, config, name, 512, repeats, "cached")
    machine = measure_machine(CPU, model.dtype, 250_000_000)
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    passes = []
    for size in sizes:
        known = random_prompt(model, size, seed=0)
        timed = interleaved(
            {"s": lambda known=known: step(model, FusedAttention(), known)}, repeats
        )
        costs = attention_costs(config, size, 0)
        head = config.n_embd * config.vocab_size
        flops = costs["linear_flops"] + costs["attention_flops"] + 2 * head
        read = (costs["linear_bytes"] // 2 + head) * model.dtype.itemsize
        seconds = statistics.median(timed["s"])
        passes.append(
            {
                "tokens": size,
                "seconds": seconds,
                "intensity": flops / read,
                "rate": flops / seconds,
                "samples": timed["s"],
            }
        )
    return {
        "bandwidth": machine.bandwidth,
        "flops": machine.flops,
        "ridge": machine.flops / machine.bandwidth,
        "decode": floor_of(decode),
        "prefill": floor_of(prefill),
        "passes": passes,
    }


def floor_of(result) -> dict:
    return {
        "prompt_tokens": result.prompt_tokens,
        "new_tokens": result.new_tokens,
        "samples": result.samples,
        "seconds": result.seconds,
        "floor": result.floor,
        "rate": result.rate,
        "work": result.floor * result.rate,
        "share": result.share,
        "tokens_per_second": result.tokens_per_second,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="at least; quick things get more")
    parser.add_argument("--longest", type=int, default=1024, help="of GPT-2's shape, in tokens")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="of the results files")
    chosen = parser.parse_args()
    least = chosen.repeats

    def write(name: str, values: Callable[[], dict]) -> None:
        if chosen.only and name not in chosen.only:
            return
        save(RESULTS / f"{name}.json", record(COMMAND, values(), seed=0))
        print(f"{name}.json  {time.perf_counter() - begun:.0f} s", flush=True)

    begun = time.perf_counter()
    folder = locate("story")
    tokenizer, config = Tokenizer.from_dir(folder), read_shape(folder)
    story = load_model(folder, torch.float32)
    write("trace", lambda: trace(story, tokenizer))
    write("memory", lambda: {"story": memory(story), **cache_table()})
    write(
        "attention", lambda: {"intensity": intensity_table(GPT2Config()), "online": online_check()}
    )
    write("equal", lambda: equality(story, tokenizer))
    gpt2 = GPT2(GPT2Config(), RandomLoader(torch.float32, CPU))
    lengths = [2**n for n in range(11) if 2**n <= chosen.longest]
    half = min(512, chosen.longest)
    write(
        "steps",
        lambda: {
            "story": grid(story, lengths[:10], least) | {"total": totals(story, 16, 256, least)},
            "gpt2": grid(gpt2, lengths, least) | {"total": totals(gpt2, 16, 48, max(1, least - 1))},
        },
    )
    write(
        "chunks",
        lambda: {
            "story": prefill_in_chunks(story, half, lengths[: lengths.index(half) + 1], least),
            "gpt2": prefill_in_chunks(gpt2, half, lengths[3 : lengths.index(half) + 1], least),
        },
    )
    half_bits = GPT2(GPT2Config(), RandomLoader(torch.bfloat16, CPU))
    write(
        "ways",
        lambda: {
            "float32": ways(torch.float32, least),
            "bfloat16": ways(torch.bfloat16, least),
        },
    )
    write(
        "roofline",
        lambda: {
            "story": roofline(story, config, "story", least),
            "gpt2": roofline(gpt2, GPT2Config(), "gpt2", least),
            "gpt2_bf16": roofline(half_bits, GPT2Config(), "gpt2", least),
        },
    )


if __name__ == "__main__":
    main()
