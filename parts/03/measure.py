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
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.bench.floor import measure_machine
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.bench.single import bench_decode
from ruvon.bench.single import bench_prefill
from ruvon.bench.single import random_prompt
from ruvon.bench.single import seconds_to_generate
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.sampling.params import SamplingParams
from ruvon.seams import LayerSpec
from ruvon.seams import Model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

RESULTS = Path(__file__).parent / "results"
COMMAND = "python parts/03/measure.py"
CPU = torch.device("cpu")
PROMPTS = (
    "Once upon a time, there was a little girl named Lily. She",
    "One day, a big dog",
    "Tom and Sue were friends. They liked to",
    "In the forest there was a small bird who",
    "It was raining, and Ben",
)


class FusedAttention(FullAttention):
    """Full attention by the operator that the cache uses: all that is left out is the memory."""

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))  # [1, heads, T, head_dim]
        many = q.shape[2] > 1
        out = F.scaled_dot_product_attention(q, k, v, is_causal=many, scale=layer.scale)
        return out[0].transpose(0, 1)


class Restarted:
    """The seeded bug: a model whose positions restart at 0 in every step."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def __call__(self, tokens: Tensor, positions: Tensor, attention: CachedAttention) -> Tensor:
        return self.model(tokens, positions - positions[0], attention)


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


def roofline(model: Model, config: GPT2Config, name: str, repeats: int) -> dict:
    """Decode and prefill beside the floor, and passes of growing size between the two roofs."""
    decode = bench_decode(model, config, name, 128, 32, repeats)
    prefill = bench_prefill(model, config, name, 512, repeats)
    machine = measure_machine(CPU, model.dtype, 250_000_000)
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    passes = []
    for size in sizes:
        known = random_prompt(model, size, seed=0)
        timed = interleaved({"s": lambda known=known: step(model, FusedAttention(), known)}, 3)
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


def memory(model: Model) -> dict:
    """The formula beside the tensors it speaks of. Deterministic."""
    layer, dtype = model.layers[0], model.dtype
    token = bytes_per_token(model.layers, dtype)
    cache = ContiguousCache(model.layers, model.context, dtype, CPU)
    tensors = [*cache.keys, *cache.values]
    held = sum(t.untyped_storage().nbytes() for t in tensors)
    assert held == token * model.context == cache.stats().allocated
    return {
        "layers": len(model.layers),
        "kv_heads": layer.kv_heads,
        "head_dim": layer.head_dim,
        "bytes": dtype.itemsize,
        "token": token,
        "context": model.context,
        "formula": token * model.context,
        "tensors": len(tensors),
        "held": held,
    }


@torch.inference_mode()
def logits_of(model: Model, ids: list[int], chunks: list[int]) -> Tensor:
    """The logits at every position, cached, in chunks that end at `chunks`. -> [T, vocabulary]."""
    attention = new_attention("cached", model, len(ids))
    rows = []
    for start, end in zip([0, *chunks[:-1]], chunks, strict=True):
        attention.prepare([Span(start, end - start)])
        hidden = model(torch.tensor(ids[start:end]), torch.arange(start, end), attention)
        rows.append(model.logits(hidden))
    return torch.cat(rows)


def ids_of(model: Model, prompt: list[int], new: int, way: str) -> list[int]:
    params = SamplingParams(max_tokens=new, ignore_eos=True)
    attention = new_attention(way, model, len(prompt) + new)
    return [i for inc in generate(model, attention, prompt, params) for i in inc.ids]


def equality(model: Model, tokenizer: Tokenizer, new: int = 60) -> dict:
    """Part 2's ids and logits against the cache's, right, and with the seeded bug."""
    values: dict = {"prompts": len(PROMPTS), "new_tokens": new, "equal": 0, "positions": 0}
    apart, wrong, first_wrong = {"one": 0.0, "pass": 0.0, "chunks": 0.0}, [], []
    for text in PROMPTS:
        prompt = tokenizer.encode(text)
        ids = ids_of(model, prompt, new, "full")
        values["equal"] += ids == ids_of(model, prompt, new, "cached")
        known = prompt + ids
        with torch.inference_mode():
            full = FullAttention()
            full.prepare([Span(0, len(known))])
            truth = model.logits(model(torch.tensor(known), torch.arange(len(known)), full))
        n = len(known)
        splits = {"pass": [n], "chunks": [*range(7, n, 7), n], "one": list(range(1, n + 1))}
        for name, ends in splits.items():
            apart[name] = max(apart[name], max_apart(logits_of(model, known, ends), truth))
        values["positions"] += n
        bug = logits_of(Restarted(model), known, [len(prompt), *range(len(prompt) + 1, n + 1)])
        wrong.append(max_apart(bug, truth))
        broken = ids_of(Restarted(model), prompt, new, "cached")
        first_wrong.append(next((i for i in range(new) if broken[i] != ids[i]), new) + 1)
        if text == PROMPTS[0]:
            values["right_text"] = text + tokenizer.decode(ids)
            values["bug_text"] = text + tokenizer.decode(broken)
    return values | {"apart": apart, "bug_apart": wrong, "bug_first_wrong": first_wrong}


def max_apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


def trace(model: Model, tokenizer: Tokenizer) -> dict:
    """Every step of a short generation as it happened, slots compared before and after."""
    prompt = tokenizer.encode("Once upon a time, there was")
    cache = ContiguousCache(model.layers, len(prompt) + 5, model.dtype, CPU)
    tensors = [*cache.keys, *cache.values]
    for tensor in tensors:
        tensor.fill_(torch.nan)  # so that a slot that is written differs from before
    known, steps = list(prompt), []

    class Recording(CachedAttention):
        def prepare(self, spans: list[Span]) -> None:
            event = {"start": spans[0].start, "count": spans[0].count, "before": cache.length}
            super().prepare(spans)
            steps.append(event | {"after": cache.length, "read": set()})

        def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            out = super().__call__(layer, q, k, v)
            steps[-1]["read"].add(cache.view(layer)[0].shape[1])
            return out

    attention = Recording(cache)
    for end in (4, *range(len(prompt), len(prompt) + 4)):
        held = [t.clone() for t in tensors]
        logits = step(model, attention, known[:end])
        new = [changed(old, now) for old, now in zip(held, tensors, strict=True)]
        assert all(slots == new[0] for slots in new), "every layer writes the same slots"
        event = steps[-1]
        assert event["read"] == {event["after"]}, "every layer reads all slots so far"
        event |= {"read": list(range(event["after"])), "written": new[0]}
        event["positions"] = list(range(event["start"], event["start"] + event["count"]))
        event["ids"] = known[event["start"] : end]
        event["pieces"] = [tokenizer.decode([i]) for i in event["ids"]]
        event["sampled"] = ""
        if end >= len(prompt):
            known.append(int(logits.argmax()))
            event["sampled"] = tokenizer.decode(known[-1:])
    return {"capacity": cache.capacity, "prompt_tokens": len(prompt), "steps": steps}


def changed(old: Tensor, now: Tensor) -> list[int]:
    """Which slots of [kv_heads, capacity, head_dim] hold other numbers than before."""
    same = (old == now) | (old.isnan() & now.isnan())
    return [slot for slot in range(old.shape[1]) if not bool(same[:, slot].all())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="at least; quick things get more")
    parser.add_argument("--longest", type=int, default=1024, help="of GPT-2's shape, in tokens")
    chosen = parser.parse_args()
    least = chosen.repeats

    def write(name: str, values: dict) -> None:
        print(f"{name}.json  {time.perf_counter() - begun:.0f} s", flush=True)
        save(RESULTS / f"{name}.json", record(COMMAND, values, seed=0))

    begun = time.perf_counter()
    folder = locate("story")
    tokenizer, config = Tokenizer.from_dir(folder), read_shape(folder)
    story = load_model(folder, torch.float32)
    write("trace", trace(story, tokenizer))
    write("memory", {"story": memory(story), **cache_table()})
    write("attention", {"intensity": intensity_table(GPT2Config()), "online": online_check()})
    write("equal", equality(story, tokenizer))
    gpt2 = GPT2(GPT2Config(), RandomLoader(torch.float32, CPU))
    lengths = [2**n for n in range(11) if 2**n <= chosen.longest]
    half = min(512, chosen.longest)
    write(
        "steps",
        {
            "story": grid(story, lengths[:10], least) | {"total": totals(story, 16, 256, least)},
            "gpt2": grid(gpt2, lengths, least) | {"total": totals(gpt2, 16, 64, max(2, least - 1))},
        },
    )
    write(
        "chunks",
        {
            "story": prefill_in_chunks(story, half, lengths[: lengths.index(half) + 1], least),
            "gpt2": prefill_in_chunks(gpt2, half, lengths[3 : lengths.index(half) + 1], least),
        },
    )
    half_bits = GPT2(GPT2Config(), RandomLoader(torch.bfloat16, CPU))
    write(
        "roofline",
        {
            "story": roofline(story, config, "story", least),
            "gpt2": roofline(gpt2, GPT2Config(), "gpt2", least),
            "gpt2_bf16": roofline(half_bits, GPT2Config(), "gpt2", least),
        },
    )


if __name__ == "__main__":
    main()
