"""Part 5: the evidence. Stories, one distribution, the seeded bug, and transformers beside us."""

import math
import sys
import textwrap

import torch
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.models import load_model
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import NO_TOKEN
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import inverse_cdf
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import stochastic
from ruvon.sampling.stochastic import tempered
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

BEGINNING = "It was raining outside. It was"
FLAT, PEAKED = "Lily was very", "Once upon a time, there was a little girl named"
# What the figures and the tables show of one distribution.
KNOBS: dict[str, dict] = {
    "plain": {},
    "temperature 0.5": {"temperature": 0.5},
    "temperature 2": {"temperature": 2.0},
    "top-k 5": {"top_k": 5},
    "top-p 0.7": {"top_p": 0.7},
    "min-p 0.1": {"min_p": 0.1},
}


class SharedGenerator:
    """The seeded bug: one stream of random numbers for all rows, in the order of their steps."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, logits: Tensor, rows: list[Row]) -> Sampled:
        uniform = torch.rand(len(rows), 1, generator=self.generator, dtype=torch.float64)
        return Sampled(ids=inverse_cdf(chances(logits.float(), rows), uniform))


def chances(logits: Tensor, rows: list[Row]) -> Tensor:
    """The distribution that each row is drawn from. [R, vocabulary] -> the same."""
    temperature = torch.tensor([[row.params.temperature] for row in rows])
    return kept(tempered(adjusted(logits, rows), temperature), rows)


def row(**params: object) -> Row:
    """A row of one prompt token."""
    return Row(SamplingParams(**{"temperature": 1.0, **params}), [0], prompt=1)  # type: ignore[arg-type]


def text_of(model: Model, tokenizer: Tokenizer, prompt: str, sample=stochastic, **params) -> str:
    """What follows `prompt`."""
    ids = tokenizer.encode(prompt)
    asked = SamplingParams(**{"max_tokens": 24, "ignore_eos": True, **params})
    attention = new_attention("cached", model, len(ids) + (asked.max_tokens or 0))
    steps = generate(model, attention, ids, asked, sample)
    return tokenizer.decode([token for increment in steps for token in increment.ids])


def next_logits(model: Model, tokenizer: Tokenizer, prompt: str) -> Tensor:
    """The logits after `prompt`, [1, vocabulary], as the sampler takes them."""
    return step(model, FullAttention(), tokenizer.encode(prompt)).float()


def distribution(model: Model, tokenizer: Tokenizer, prompt: str, most: int = 10) -> dict:
    """One distribution under each knob: of the likeliest tokens, and how many are kept."""
    logits = next_logits(model, tokenizer, prompt)
    likeliest = chances(logits, [row()])[0].argsort(descending=True)[:most]
    values: dict = {"prompt": prompt, "vocabulary": logits.shape[-1]}
    values["tokens"] = [tokenizer.decode([int(token)]) for token in likeliest]
    values["knobs"] = {}
    for name, knobs in KNOBS.items():
        [made] = chances(logits, [row(**knobs)])
        values["knobs"][name] = {
            "kept": int((made > 0).sum()),
            "entropy": float(torch.special.entr(made).sum() / math.log(2)),
            "chances": [float(made[token]) for token in likeliest],
            "rest": max(0.0, 1 - float(made[likeliest].sum())),
        }
    return values


def vllm_order(logits: Tensor, top_p: float, min_p: float) -> Tensor:
    """Chances with min-p before top-p, which is vLLM's order. [1, vocabulary] -> the same."""
    first = chances(logits, [row(min_p=min_p)])
    return chances(logits.masked_fill(first == 0, -torch.inf), [row(top_p=top_p)])


def by_transformers(logits: Tensor, ids: list[int], params: dict) -> Tensor:
    """A distribution by the processors of transformers, in its order. [vocabulary] -> the same."""
    from transformers.generation import logits_process as of

    chain = [of.RepetitionPenaltyLogitsProcessor(params["repetition_penalty"])]
    chain.append(of.TemperatureLogitsWarper(params["temperature"]))
    if params["top_k"]:
        chain.append(of.TopKLogitsWarper(params["top_k"]))
    if params["top_p"] < 1:
        chain.append(of.TopPLogitsWarper(params["top_p"]))
    if params["min_p"]:
        chain.append(of.MinPLogitsWarper(params["min_p"]))
    scores = logits[None].clone()
    for processor in chain:
        scores = processor(torch.tensor([ids]), scores)
    return scores.softmax(dim=-1)[0]


def against_transformers(count: int = 10_000, vocabulary: int = 50, batch: int = 50) -> dict:
    """Random rows with random parameters of their own: the same kept sets, the same chances?"""
    import transformers

    generator = torch.Generator().manual_seed(0)

    def pick(off: float, low: float, high: float) -> float:
        on, size = torch.rand(2, generator=generator).tolist()
        return off if on < 1 / 3 else low + (high - low) * size

    values = {"rows": count, "vocabulary": vocabulary, "version": transformers.__version__}
    values |= {"same_sets": 0, "apart": 0.0, "late_same_sets": 0}
    for _ in range(count // batch):
        logits = 3 * torch.randn(batch, vocabulary, generator=generator)
        ids = torch.randint(0, vocabulary, (batch, 8), generator=generator).tolist()
        each = [
            {
                "temperature": pick(1.0, 0.1, 3.0),
                "top_k": int(pick(0, 1, vocabulary)),
                "top_p": pick(1.0, 0.05, 1.0),
                "min_p": pick(0.0, 0.001, 0.6),
                "repetition_penalty": pick(1.0, 0.5, 2.0),
            }
            for _ in range(batch)
        ]
        rows = [Row(SamplingParams(**p), i, 3) for p, i in zip(each, ids, strict=True)]
        ours = chances(logits, rows)
        late = kept(adjusted(logits, rows), rows)  # the temperature comes after the filters
        for index in range(batch):
            theirs = by_transformers(logits[index], ids[index], each[index])
            values["same_sets"] += torch.equal(ours[index] > 0, theirs > 0)
            values["late_same_sets"] += torch.equal(late[index] > 0, theirs > 0)
            values["apart"] = max(values["apart"], float((ours[index] - theirs).abs().max()))
    return values


def show_stories(model: Model, tokenizer: Tokenizer) -> None:
    """The same beginning, greedily, and at three temperatures."""
    for name, params in (
        ("temperature 0, new tokens 120 to 200", {"temperature": 0.0, "max_tokens": 200}),
        ("temperature 0.8, seed 3", {"temperature": 0.8, "seed": 3, "max_tokens": 60}),
        ("temperature 0.8, seed 4", {"temperature": 0.8, "seed": 4, "max_tokens": 60}),
        ("temperature 2, seed 3", {"temperature": 2.0, "seed": 3, "max_tokens": 40}),
    ):
        text = text_of(model, tokenizer, BEGINNING, **params)
        if params["max_tokens"] == 200:
            ids = tokenizer.encode(BEGINNING + text)
            text = tokenizer.decode(ids[-80:])
        print(f"{name}:")
        print(
            textwrap.fill(" ".join(text.split()), 76, initial_indent="  ", subsequent_indent="  ")
        )


def show_bug(model: Model, tokenizer: Tokenizer) -> None:
    """One prompt, alone and after another one, with the seeded bug and without."""
    drawing = {"temperature": 0.8, "seed": 3, "max_tokens": 14}
    for name, new in (
        ("one generator for all", lambda: SharedGenerator(4)),
        ("a number for each seed, choice, position", lambda: stochastic),
    ):
        sample = new()
        alone = text_of(model, tokenizer, "Once upon a time", sample, **drawing)
        sample = new()
        text_of(model, tokenizer, "The dog", sample, **drawing | {"max_tokens": 1})
        after = text_of(model, tokenizer, "Once upon a time", sample, **drawing)
        print(f"{name}:\n  alone          {alone!r}\n  after another  {after!r}")


def show_alone(model: Model, tokenizer: Tokenizer) -> None:
    """Four rows with parameters of their own in one call, then each alone; one row is spoiled."""
    prompts = (FLAT, PEAKED, "The dog was", "Tom saw a big")
    logits = torch.cat([next_logits(model, tokenizer, prompt) for prompt in prompts])
    each = ({"seed": 1}, {"seed": 2, "top_k": 5}, {"temperature": 0.0}, {"seed": 4, "top_p": 0.9})
    rows = [row(**params) for params in each]

    def said(ids: list[int]) -> str:
        return str([tokenizer.decode([i]) if i != NO_TOKEN else "no token" for i in ids])

    print("together   ", said(stochastic(logits, rows).ids.tolist()))
    print(
        "each alone ", said([int(stochastic(logits[n : n + 1], [rows[n]]).ids) for n in range(4)])
    )
    logits[1, 7] = torch.nan
    print("row 1 NaN  ", said(stochastic(logits, rows).ids.tolist()))


def main() -> None:
    shows = {"stories": show_stories, "bug": show_bug, "alone": show_alone}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    folder = locate("story")
    # In float64, so that rounding on another machine draws no other token.
    shows[sys.argv[1]](load_model(folder, torch.float64), Tokenizer.from_dir(folder))


if __name__ == "__main__":
    main()
