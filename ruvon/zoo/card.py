"""Part 00 · The card of a shipped model: `python -m ruvon.zoo.card --text FILE --model story`.

It measures the model on the stories that no training saw, and how much of what the model writes
is copied. The numbers go into `card.json`, raw, and from there into `README.md`.
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from ruvon.attention import new_attention
from ruvon.device import pick_dtype
from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.models.weights import Checkpoint
from ruvon.seams import Model
from ruvon.seams import SequenceAttention
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate
from ruvon.zoo.baselines import KneserNey
from ruvon.zoo.baselines import spell
from ruvon.zoo.baselines import xz_size
from ruvon.zoo.page import page
from ruvon.zoo.text import read_stories
from ruvon.zoo.text import split_stories

TEMPERATURE = 0.8
LONGEST_SAMPLE = 200  # tokens
SHOWN = 20  # samples, the first seeds
GRAM = 8  # tokens that count as copied when they stand in the training text in a row
# A step is timed from a context of FIRST tokens up to one of LAST, which is 128 on average.
FIRST, LAST = 112, 144
RUN = 4  # steps that a model makes before it is the other's turn
CPU = torch.device("cpu")


@torch.inference_mode()
def story_bits(model: Model, story: Sequence[int], end: int) -> float:
    """Bits of a story's tokens, alone after one end-of-text token. Its end is not counted.

    Where a story is longer than the context, the window slides on by half of it, so that each
    token is scored once and sees at least half a context of what came before.
    """
    known = [end, *story]
    bits, start, scored = 0.0, 0, 1
    while scored < len(known):
        stop = min(start + model.context, len(known) - 1)
        attention = new_attention("full", model, model.context)
        attention.prepare([Span(0, stop - start)])
        hidden = model(torch.tensor(known[start:stop]), torch.arange(stop - start), attention)
        scores = model.logits(hidden[scored - 1 - start :]).double().log_softmax(-1)  # [R, vocab]
        targets = torch.tensor(known[scored : stop + 1])[:, None]
        bits -= scores.gather(-1, targets).sum().item() / math.log(2)
        scored = stop + 1
        start = scored - model.context // 2
    return bits


@torch.inference_mode()
def advance(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    """Compute what is known but not computed. -> the logits after the last token, [vocabulary]."""
    span = Span(attention.computed, len(known) - attention.computed)
    attention.prepare([span])
    tokens, positions = torch.tensor(known[span.start :]), torch.arange(span.start, len(known))
    return model.logits(model(tokens, positions, attention)[-1:])[0]


def write_story(model: Model, end: int, seed: int, longest: int = LONGEST_SAMPLE) -> list[int]:
    """A story drawn from the model, from an end-of-text token to the next, which is left out."""
    generator = torch.Generator().manual_seed(seed)
    attention = new_attention("cached", model, longest)
    known = [end]
    while len(known) <= longest:
        chances = (advance(model, attention, known) / TEMPERATURE).softmax(-1)
        token = int(torch.multinomial(chances, 1, generator=generator))
        if token == end:
            break
        known.append(token)
    return known[1:]


class TrainingText:
    """The training text, for asking what of another text stands in it, token for token."""

    def __init__(self, stories: Sequence[Sequence[int]], end: int) -> None:
        self.text = spell(token for story in stories for token in (*story, end))
        self.grams = {self.text[i : i + GRAM] for i in range(len(self.text) - GRAM + 1)}

    def copied(self, story: Sequence[int]) -> dict[str, int]:
        """How many 8-grams a story has, how many stand here, and the longest run that does."""
        line = spell(story)
        found = [line[i : i + GRAM] in self.grams for i in range(len(line) - GRAM + 1)]
        start = length = 0
        for i in range(len(line)):
            # A longer run must hold copied 8-grams only, and then the search decides.
            while i + length < len(line) and all(found[i : max(i, i + length + 2 - GRAM)]):
                if line[i : i + length + 1] not in self.text:
                    break
                start, length = i, length + 1
        return {"grams": len(found), "copied": sum(found), "run_start": start, "run": length}


def copying(
    text: TrainingText, stories: Sequence[Sequence[int]], tokenizer: Tokenizer
) -> dict[str, Any]:
    """The share of 8-grams that stand in the training text, and the longest run, in words."""
    rows = [text.copied(story) for story in stories]
    grams = sum(row["grams"] for row in rows)
    longest = max(range(len(rows)), key=lambda i: rows[i]["run"])
    start, length = rows[longest]["run_start"], rows[longest]["run"]
    return {
        "stories": len(rows),
        "grams": grams,
        "share": sum(row["copied"] for row in rows) / max(1, grams),
        "longest_run": length,
        "longest_run_of_story": longest,
        "longest_run_text": tokenizer.decode(stories[longest][start : start + length]),
        "each": rows,
    }


def step_times(models: Sequence[Model], text: Sequence[int], rounds: int) -> list[list[float]]:
    """Milliseconds of single decode steps, one list a model, taken in turns of RUN steps.

    In turns of several, since a draft model makes several steps between two of its target.
    """
    times: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        attentions = [new_attention("cached", model, LAST) for model in models]
        for model, attention in zip(models, attentions, strict=True):
            advance(model, attention, text[:FIRST])
        for run in range(FIRST, LAST, RUN):
            for i, model in enumerate(models):
                for stop in range(run + 1, min(run + RUN, LAST) + 1):
                    started = time.perf_counter()
                    advance(model, attentions[i], text[:stop])
                    times[i].append(round(1000 * (time.perf_counter() - started), 4))
    return times


def step_ratio(draft: Path, target: Path, text: Sequence[int], rounds: int = 12) -> dict[str, Any]:
    """How long a step of the draft model takes, as a share of a step of the target, at batch 1."""
    measured: dict[str, Any] = {"target": target.name, "context": [FIRST, LAST]}
    dtypes = {"float32": torch.float32, "default": pick_dtype(None, CPU)}
    for name, dtype in dtypes.items():
        models = [load_model(folder, dtype) for folder in (draft, target)]
        step_times(models, text, 2)  # to warm up
        mine, its = step_times(models, text, rounds)
        measured[name] = {
            "dtype": str(dtype).removeprefix("torch."),
            "ratio": median(mine) / median(its),
            "draft_ms": mine,
            "target_ms": its,
        }
    return measured


def bits_per_byte(
    folder: Path, tokenizer: Tokenizer, end: int, train: Sequence[str], held_out: Sequence[str]
) -> dict[str, Any]:
    """The model's cost of the held-out stories, and that of 5-gram models and of xz."""
    known, unseen = ([tokenizer.encode(s) for s in part] for part in (train, held_out))
    bits: dict[str, list[float]] = {}
    for name in ("bfloat16", "float32"):
        model = load_model(folder, pick_dtype(name, CPU))
        bits[name] = [story_bits(model, ids, end) for ids in unseen]
    tokens = KneserNey(known, tokenizer.vocab_size, end)
    bits["token_5gram"] = [tokens.bits(ids) for ids in unseen]
    byte = KneserNey([s.encode() for s in train], 257, end=256)
    bits["byte_5gram"] = [byte.bits(s.encode()) for s in held_out]
    before, new = "".join(train), "".join(held_out)
    xz = {"train": xz_size(before), "both": xz_size(before + new), "alone": xz_size(new)}

    sizes = [len(s.encode()) for s in held_out]
    costs = {name: sum(b) for name, b in bits.items()}
    costs |= {"xz_after_train": 8 * (xz["both"] - xz["train"]), "xz_alone": 8 * xz["alone"]}
    model_bits = max(costs["bfloat16"], costs["float32"])
    baselines = [name for name in costs if name not in ("bfloat16", "float32")]
    return {
        "context": model.context,
        "stories": {"train": len(train), "held_out": len(held_out)},
        "bytes": {"train": len(before.encode()), "held_out": sum(sizes)},
        "tokens": {"train": sum(map(len, known)), "held_out": sum(map(len, unseen))},
        "longer_than_context": sum(len(ids) > model.context for ids in unseen),
        "bits_per_byte": {name: cost / sum(sizes) for name, cost in costs.items()},
        "model_over_baseline": {name: model_bits / costs[name] for name in baselines},
        "xz_bytes": xz,
        "story_bytes": sizes,
        "story_tokens": [len(ids) for ids in unseen],
        "story_bits": {name: [round(b, 3) for b in each] for name, each in bits.items()},
    }


def write_samples(model: Model, tokenizer: Tokenizer, end: int, count: int) -> list[dict[str, Any]]:
    """Stories of the seeds 0, 1, 2 ..., as they come."""
    stories = [write_story(model, end, seed) for seed in range(count)]
    return [
        {
            "seed": seed,
            "ids": ids,
            "ended": len(ids) < LONGEST_SAMPLE,
            "text": tokenizer.decode(ids),
        }
        for seed, ids in enumerate(stories)
    ]


def measure(folder: Path, text: Path, samples: int, target: Path | None) -> dict[str, Any]:
    """Everything that the card says."""
    record = folder / "training.json"
    if not record.exists():
        raise RuvonError(f"{folder}: no training.json, which ruvon.zoo.train writes with the model")
    tokenizer = Tokenizer.from_dir(folder)
    end = tokenizer.eos_id
    if end is None:
        raise RuvonError(f"{folder}: the vocabulary has no end-of-text token to begin a story with")
    train, held_out = split_stories(read_stories(text))
    weights = folder / "model.safetensors"
    card: dict[str, Any] = {
        "model": folder.name,
        "parameters": Checkpoint(folder).numbers(),
        "file_bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "text": {"name": text.name, "sha256": hashlib.sha256(text.read_bytes()).hexdigest()},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "training": json.loads(record.read_text()),
    }
    print(f"{folder.name}: bits a byte of {len(held_out)} held-out stories", flush=True)
    card["held_out"] = bits_per_byte(folder, tokenizer, end, train, held_out)
    print(f"{folder.name}: {samples} samples", flush=True)
    written = write_samples(load_model(folder), tokenizer, end, samples)
    known = TrainingText([tokenizer.encode(s) for s in train], end)
    unseen = [tokenizer.encode(s) for s in held_out]
    card["sampling"] = {"temperature": TEMPERATURE, "longest": LONGEST_SAMPLE, "dtype": "float32"}
    card["copying"] = {
        "gram": GRAM,
        "samples": copying(known, [sample.pop("ids") for sample in written], tokenizer),
        "held_out": copying(known, unseen, tokenizer),
    }
    card["samples"] = written[:SHOWN]
    if target is not None:
        print(f"{folder.name}: step time against {target.name}", flush=True)
        card["step_ratio"] = step_ratio(folder, target, [t for ids in unseen for t in ids])
    return card


def dump(card: dict[str, Any]) -> str:
    """JSON with one line an entry of the first two levels, so that a diff can be read."""
    lines = []
    for key, value in card.items():
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict):
            inner = (
                f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items()
            )
            text = "{\n    " + ",\n    ".join(inner) + "\n  }"
        lines.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one model and write its card."""
    parser = argparse.ArgumentParser(description="Measure a shipped model and write its card.")
    parser.add_argument("--text", type=Path, help="the file of stories that it was trained on")
    parser.add_argument("--model", default="story", help="a shipped model's name, or a folder")
    parser.add_argument("--target", help="the model that this one drafts for: time both")
    parser.add_argument("--samples", type=int, default=200, help="how many stories to write")
    parser.add_argument("--page-only", action="store_true", help="README.md again, from card.json")
    args = parser.parse_args(arguments)
    folder = locate(args.model)
    if not args.page_only:
        if args.text is None:
            parser.error("--text is needed to measure")
        target = args.target or ("story" if args.model == "story-nano" else None)
        card = measure(folder, args.text, args.samples, locate(target) if target else None)
        (folder / "card.json").write_text(dump(card), encoding="utf-8")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(page(card), encoding="utf-8")
    for name, cost in card["held_out"]["bits_per_byte"].items():
        print(f"{name:16s}{cost:8.4f} bits a byte")


if __name__ == "__main__":
    main()
