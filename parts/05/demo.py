"""Part 5: draw the next token: temperature, top-k, top-p, min-p, penalties, seeds."""

import torch
from rich.console import Console
from rich.table import Table

from ruvon.attention import new_attention
from ruvon.attention.full import FullAttention
from ruvon.course.expected import check_expected
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.models import load_model
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import stochastic
from ruvon.sampling.stochastic import tempered
from ruvon.sampling.stochastic import uniforms
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPT = "Once upon a time"
FLAT = "Lily was very"
KNOBS: dict[str, dict] = {
    "plain": {},
    "temperature 0.5": {"temperature": 0.5},
    "temperature 2": {"temperature": 2.0},
    "top-k 5": {"top_k": 5},
    "top-p 0.7": {"top_p": 0.7},
    "min-p 0.1": {"min_p": 0.1},
}
console = Console(highlight=False)


class ClearSampler:
    """The sampler, which also remembers how near a draw came to falling the other way."""

    gap = float("inf")

    def __call__(self, logits: torch.Tensor, rows: list[Row]) -> Sampled:
        if rows[0].params.temperature:
            ends = chances(logits.float(), rows).double().cumsum(dim=-1)
            self.gap = min(self.gap, float((ends - uniforms(rows, logits)).abs().min()))
        else:
            best, second = logits[0].topk(2).values.tolist()
            self.gap = min(self.gap, best - second)
        return stochastic(logits, rows)


def chances(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """The distribution that each row is drawn from, [R, vocabulary]."""
    temperature = torch.tensor([[row.params.temperature] for row in rows])
    return kept(tempered(adjusted(logits, rows), temperature), rows)


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def draw(
    model: Model, prompt: list[int], choice: int = 0, clear: bool = True, **params
) -> list[int]:
    """The new ids of one text. With `clear`, no other machine may draw another one."""
    asked = SamplingParams(**{"max_tokens": 32, **params})
    attention = new_attention("cached", model, len(prompt) + 32)
    sampler = ClearSampler()
    steps = generate(model, attention, prompt, asked, sampler, choice=choice)
    ids = [token for increment in steps for token in increment.ids]
    assert not clear or sampler.gap > 1e-5, "a near tie may fall the other way elsewhere"
    return ids


def show_distribution(logits: torch.Tensor, tokenizer: Tokenizer) -> dict[str, int]:
    """One distribution under each knob. -> how many tokens each keeps."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("token")
    likeliest = logits[0].argsort(descending=True)[:6].tolist()
    made = {}
    for name, params in KNOBS.items():
        table.add_column(name.replace("temperature", "temp."), justify="right", no_wrap=True)
        row = Row(SamplingParams(**{"temperature": 1.0, **params}), [0], prompt=1)
        made[name] = chances(logits, [row])[0]
    for token in likeliest:
        cells = [f"{float(of[token]):.3f}" if of[token] else "[dim]-[/]" for of in made.values()]
        table.add_row(repr(tokenizer.decode([token])), *cells)
    counts = {name: int((of > 0).sum()) for name, of in made.items()}
    table.add_row("[dim]kept[/]", *(f"[dim]{count:,}[/]" for count in counts.values()))
    console.print(table)
    return counts


def main() -> None:
    folder = locate("story")
    # In float64, so that rounding on another machine draws no other token.
    tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float64)
    prompt = tokenizer.encode(PROMPT)

    heading("1. One beginning, taken and drawn")
    narrow = {"temperature": 0.8, "top_k": 40}
    texts = {
        "temperature 0": draw(model, prompt, temperature=0.0),
        "0.8, top-k 40, seed 1": draw(model, prompt, seed=1, **narrow),
        "0.8, top-k 40, seed 2": draw(model, prompt, seed=2, **narrow),
        "temperature 2, seed 1": draw(model, prompt, clear=False, temperature=2.0, seed=1),
    }
    for name, ids in texts.items():
        console.print(f"  [cyan]{name}[/]")
        console.print(f"    {' '.join(tokenizer.decode(ids).split())}", markup=False)

    heading(f"2. One distribution, reshaped: what follows {FLAT!r}")
    logits = step(model, FullAttention(), tokenizer.encode(FLAT)).float()
    counts = show_distribution(logits, tokenizer)

    heading("3. A seed is a text")
    again = draw(model, prompt, seed=1, **narrow)
    choices = [draw(model, prompt, choice=n, seed=1, **narrow)[:12] for n in range(3)]
    console.print(f"  the same seed again: the same ids: {again == texts['0.8, top-k 40, seed 1']}")
    assert again == texts["0.8, top-k 40, seed 1"]
    for index, ids in enumerate(choices):
        console.print(f"  choice {index}: {tokenizer.decode(ids)!r}", markup=False)

    heading("4. Rows do not meet")
    each = ({"seed": 1}, {"seed": 2, "top_k": 5}, {"temperature": 0.0}, {"seed": 4, "top_p": 0.7})
    rows = [Row(SamplingParams(**{"temperature": 1.0, **p}), [0], prompt=1) for p in each]
    together = stochastic(logits.expand(4, -1), rows).ids.tolist()
    alone = [int(stochastic(logits, [row]).ids) for row in rows]
    console.print(f"  in one call  {[tokenizer.decode([i]) for i in together]}", markup=False)
    console.print(f"  each alone   {[tokenizer.decode([i]) for i in alone]}", markup=False)
    assert together == alone
    console.print()
    check_expected(
        {
            "greedy_ids": texts["temperature 0"],
            "seed_1_ids": texts["0.8, top-k 40, seed 1"],
            "seed_2_ids": texts["0.8, top-k 40, seed 2"],
            "choices": choices,
            "kept": list(counts.values()),
            "rows": together,
        }
    )


if __name__ == "__main__":
    main()
