"""Part 3: remember keys and values, and compute each token once."""

import time

import torch
from rich.console import Console
from rich.table import Table

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.course.expected import check_expected
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.memory.contiguous import CacheFull
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models import load_model
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPT = "Once upon a time, there was a little girl named Lily. She"
NEW = 64
console = Console(highlight=False)


class ClearSampler:
    """The greedy sampler, which also remembers how clear its closest decision was."""

    gap = float("inf")

    def __call__(self, logits: torch.Tensor, rows: list[Row]) -> Sampled:
        best, second = logits[0].topk(2).values.tolist()
        self.gap = min(self.gap, best - second)
        return greedy(logits, rows)


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def run(model: Model, name: str, prompt: list[int]) -> tuple[list[int], list[float], list[int]]:
    """-> the new ids, the seconds of each step, and how many tokens each step computed."""
    attention = new_attention(name, model, len(prompt) + NEW)
    counts: list[int] = []
    prepare = attention.prepare

    def counted(spans: list) -> None:
        prepare(spans)
        counts.append(sum(span.count for span in spans))

    attention.prepare = counted  # type: ignore[method-assign]
    made, seconds, sampler = [], [], ClearSampler()
    started = time.perf_counter()
    for increment in generate(model, attention, prompt, SamplingParams(max_tokens=NEW), sampler):
        made += increment.ids
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    assert sampler.gap > 1e-3, "a near tie may fall the other way on another machine"
    return made, seconds, counts


def slots(cache: ContiguousCache, written: int) -> str:
    """The cache as a row of boxes: kept, just written, free."""
    kept, free = cache.length - written, cache.capacity - cache.length
    return f"[cyan]{'■' * kept}[/][yellow]{'◆' * written}[/][dim]{'·' * free}[/]"


def show_slots(model: Model, prompt: list[int]) -> list[int]:
    """A cache of 24 tokens, filled chunk by chunk, then token by token, until it is full."""
    cache = ContiguousCache(model.layers, 24, model.dtype, model.device)
    attention = CachedAttention(cache)
    lengths = []
    console.print(f"  {'empty':16} {slots(cache, 0)}")
    known = list(prompt)
    for end in (6, 12, len(prompt)):
        before = cache.length
        logits = step(model, attention, known[:end])
        lengths.append(cache.length)
        console.print(f"  {f'chunk of {end - before}':16} {slots(cache, end - before)}")
    try:
        while True:
            known.append(int(logits.argmax()))
            logits = step(model, attention, known)
            lengths.append(cache.length)
            if cache.length % 3 == 0:
                console.print(f"  {'a new token':16} {slots(cache, 1)}")
    except CacheFull as error:
        console.print(f"  [red]refused[/red]: {error}")
    assert cache.length == cache.capacity, "a refused step changes nothing"
    return lengths


def main() -> None:
    folder = locate("story")
    tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float32)
    prompt = tokenizer.encode(PROMPT)

    heading(f"1. The same {NEW} tokens, with and without a cache")
    run(model, "cached", prompt)  # a warm-up
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("attention", "tokens", "first step", "last step", "all"):
        table.add_column(column, justify="left" if column == "attention" else "right")
    results = {name: run(model, name, prompt) for name in ("full", "cached")}
    for name, (_, seconds, counts) in results.items():
        table.add_row(
            name,
            f"{sum(counts):,}",
            f"{seconds[0] * 1e3:.1f} ms",
            f"{sum(seconds[-8:]) / 8 * 1e3:.1f} ms",
            f"{sum(seconds):.2f} s",
        )
    console.print(table)
    (full_ids, _, full_counts), (ids, _, counts) = results["full"], results["cached"]
    assert ids == full_ids, "the cache must not change a single token"
    console.print("  The ids are equal. Nothing was computed twice:", end=" ")
    console.print(f"{sum(counts)} = {len(prompt)} + {NEW} - 1.")

    heading("2. A cache of 24 tokens: [cyan]■ kept[/], [yellow]◆ written[/], [dim]· free[/]")
    lengths = show_slots(model, prompt)

    heading("3. What it costs in memory")
    token = bytes_per_token(model.layers, model.dtype)
    layer = model.layers[0]
    whole = ContiguousCache(model.layers, model.context, model.dtype, model.device).stats()
    factors = (2, len(model.layers), layer.kv_heads, layer.head_dim, model.dtype.itemsize)
    console.print("  key and value x layers x heads x head_dim x bytes")
    console.print(f"  {' x '.join(map(str, factors))} = {token:,} bytes a token")
    console.print(
        f"  A context of {model.context} tokens, by the formula {token * model.context:,}"
    )
    console.print(f"  and in the tensors   {whole.allocated:,} bytes")
    console.print()
    check_expected(
        {
            "new_ids": ids,
            "computed_full": sum(full_counts),
            "computed_cached": sum(counts),
            "cache_lengths": lengths,
            "bytes_per_token": token,
            "bytes_full_context": whole.allocated,
        }
    )


if __name__ == "__main__":
    main()
