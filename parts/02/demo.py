"""Part 2: a story, one token at a time, and what each token costs."""

import torch
from rich.console import Console

from ruvon.attention.full import FullAttention
from ruvon.course.expected import check_expected
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams
from ruvon.tokenizer import Detokenizer
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPT = "Once upon a time, there was a little girl named Lily. She"
NEW = 48
console = Console(highlight=False)


class CountingAttention(FullAttention):
    """Full attention that writes down how many tokens each step computes."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def prepare(self, spans: list) -> None:
        super().prepare(spans)
        self.counts.append(sum(span.count for span in spans))


class ClearSampler:
    """The greedy sampler, which also remembers how clear its closest decision was."""

    gap = float("inf")

    def __call__(self, logits: torch.Tensor, rows: list[Row]) -> Sampled:
        best, second = logits[0].topk(2).values.tolist()
        self.gap = min(self.gap, best - second)
        return greedy(logits, rows)

    def check(self) -> None:
        assert self.gap > 1e-3, "a near tie may fall the other way on another machine"


class Page:
    """Prints pieces of text as they come, and begins a new line where a word would not fit."""

    def __init__(self) -> None:
        self.column = 0

    def put(self, piece: str, style: str = "") -> None:
        if piece.startswith(" ") and self.column + len(piece) > console.width - 8:
            piece = "\n" + piece[1:]
        console.print(piece, end="", style=style, markup=False, soft_wrap=True)
        newline = piece.rfind("\n")
        self.column = len(piece) - newline - 1 + (self.column if newline < 0 else 0)


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def main() -> None:
    folder = locate("story")
    tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float32)
    prompt = tokenizer.encode(PROMPT)

    heading(f"1. A prompt of {len(prompt)} tokens, and {NEW} more")
    attention, sampler = CountingAttention(), ClearSampler()
    detokenizer, made = Detokenizer(tokenizer), []
    page = Page()
    for word in PROMPT.split(" "):
        page.put(word if page.column == 0 else f" {word}", style="dim")
    for increment in generate(model, attention, prompt, SamplingParams(max_tokens=NEW), sampler):
        made += increment.ids
        for token in increment.ids:
            page.put(detokenizer.push(token))
    page.put(detokenizer.flush() + "\n")
    sampler.check()

    console.print(f"\nPredict: how many tokens were computed to gain these {NEW}?", style="dim")
    heading("2. What each token cost: the tokens computed to gain it")
    width = console.width - 34
    for step in (*range(0, NEW, 8), NEW - 1):
        bar = "█" * round(attention.counts[step] / max(attention.counts) * width)
        piece = tokenizer.decode([made[step]])
        console.print(f"  token {step + 1:3} {piece!r:14} {attention.counts[step]:3} {bar}")
    computed = sum(attention.counts)
    again = computed - attention.counts[0] - (NEW - 1)
    console.print(f"\n  {computed:,} tokens computed, {NEW} gained.")
    console.print(f"  {again:,} of them had been computed before.")

    heading("3. Four ways to stop")
    stop = tokenizer.encode(" was")[0]
    ways = {
        "max_tokens=5": (prompt, SamplingParams(max_tokens=5), None),
        f"stop_token_ids=({stop},)": (
            prompt,
            SamplingParams(max_tokens=60, stop_token_ids=(stop,)),
            None,
        ),
        "end of text": (prompt, SamplingParams(max_tokens=None), None),
        "context full (of 20)": (prompt, SamplingParams(max_tokens=None), 20),
    }
    ends: dict[str, list] = {}
    for name, (ids, params, context) in ways.items():
        out: list[int] = []
        for increment in generate(
            model,
            FullAttention(),
            ids,
            params,
            sampler,
            eos_id=tokenizer.eos_id,
            context=context,
        ):
            out += increment.ids
        ends[name] = [len(out), increment.finish_reason]
        last = tokenizer.decode(out[-1:])
        console.print(f"  {name:22} {len(out):3} tokens, {increment.finish_reason:6} {last!r}")
    sampler.check()
    console.print()
    check_expected(
        {
            "prompt_ids": prompt,
            "new_ids": made,
            "computed_tokens": computed,
            "ends": [[name, *end] for name, end in ends.items()],
        }
    )


if __name__ == "__main__":
    main()
