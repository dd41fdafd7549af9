"""Part 00 · The page of a shipped model: `README.md`, written from the numbers of `card.json`."""

import re
from statistics import median
from typing import Any

NAMES = {
    "float32": "this model, computed in float32",
    "bfloat16": "this model, computed in bfloat16",
    "token_5gram": "5-gram model over the same tokens",
    "byte_5gram": "5-gram model over bytes",
    "xz_after_train": "`xz -9e`, which has seen the training stories",
    "xz_alone": "`xz -9e` alone",
}
TO_BEAT = 0.9  # of a baseline's bits


def page(card: dict[str, Any]) -> str:
    """The whole page."""
    parts = [header(card), recipe(card), held_out(card), copied(card)]
    if "step_ratio" in card:
        parts.append(step_time(card["step_ratio"]))
    return "\n".join([*parts, limits(card), samples(card)])


def header(card: dict[str, Any]) -> str:
    """What it is, with the fields at the top that the Hugging Face Hub reads."""
    r = card["training"]["recipe"]
    return f"""\
---
license: mit
language: en
library_name: transformers
pipeline_tag: text-generation
datasets: roneneldan/TinyStories
---

# {card["model"]}

A language model with GPT-2's architecture that writes short stories for children. It ships with
Ruvon, so that the first run needs no network. `transformers` loads the same folder.

- {r["layers"]} layers of width {r["width"]}, {r["heads"]} heads, context {r["context"]},
  {r["vocabulary"]:,} vocabulary entries.
- {card["parameters"]:,} parameters, kept in bfloat16.
- `model.safetensors`: {card["file_bytes"]:,} bytes,
  SHA-256 `{card["sha256"]}`.

This page is written by `python -m ruvon.zoo.card` from `card.json`, which has the raw numbers.
"""


def recipe(card: dict[str, Any]) -> str:
    """Data, and how it was trained."""
    training, measured = card["training"], card["held_out"]
    r, losses = training["recipe"], training["held_out_nats_per_token"]
    stories, tokens, size = measured["stories"], measured["tokens"], measured["bytes"]
    others = "".join(
        f"\nThe same recipe with width {width} ended at {min(history):.3f}, so that width lost."
        for width, history in training.get("other_widths", {}).items()
    )
    table = "\n".join(f"| {name.replace('_', ' ')} | {value:,} |" for name, value in r.items())
    return f"""\
## Data

TinyStories (Eldan and Li 2023, arXiv 2305.07759), licence CDLA-Sharing-1.0: stories in simple
English, written by GPT-3.5 and GPT-4. A sample of it: `{card["text"]["name"]}`.

| | stories | bytes | tokens |
|---|---:|---:|---:|
| training | {stories["train"]:,} | {size["train"]:,} | {tokens["train"]:,} |
| held out | {stories["held_out"]:,} | {size["held_out"]:,} | {tokens["held_out"]:,} |

The held-out stories are the last ones of the file. The vocabulary is a byte-level BPE learnt from
the training stories.

## Training

`python -m ruvon.zoo.train` trains it from nothing. Each window of {r["context"]} tokens begins with
a story and holds as many as fit. Muon trains the matrices of the layers, AdamW all else. The
learning rate warms up and falls along a cosine. Forward passes are autocast to bfloat16. The
weights are those of the epoch with the lowest held-out loss: number {training["best_epoch"]} of
{len(losses)}.

| recipe | |
|---|---:|
{table}

Held-out loss after each epoch, in nats a token: {", ".join(f"{loss:.3f}" for loss in losses)}.
{others}"""


def held_out(card: dict[str, Any]) -> str:
    """Bits a byte, beside those of models that need no training."""
    measured = card["held_out"]
    ratios = measured["model_over_baseline"]
    rows = []
    for name, cost in measured["bits_per_byte"].items():
        share, verdict = "", ""
        if name in ratios:
            share = f"{ratios[name]:.3f}"
            verdict = "yes" if ratios[name] <= TO_BEAT else "no"
        rows.append(f"| {NAMES[name]} | {cost:.3f} | {share} | {verdict} |")
    return f"""\
## Held-out bits a byte

What the {measured["bytes"]["held_out"]:,} bytes of the held-out stories cost. Less is better.

| | bits a byte | model / this | beaten by 10 % |
|---|---:|---:|---|
{chr(10).join(rows)}

- The model reads each story alone, after one end-of-text token. The cost is the sum of -log2 p over
  the story's tokens, without the end, over its bytes in UTF-8.
- {measured["longer_than_context"]} of the stories are longer than the context. There the
  window slides on by half of it, so that no byte is left out.
- The ratios take the worse of the two number formats.
- The 5-gram models have interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998, section
  3) and learn from the training stories, each story on its own.
- xz compresses the stories with nothing between them. "Has seen": the size of training and held-out
  stories together, less the size of the training stories.
"""


def copied(card: dict[str, Any]) -> str:
    """How much of what it writes stands in the training text."""
    copying, how = card["copying"], card["sampling"]
    rows = "\n".join(
        f"| {name} | {row['stories']} | {row['grams']:,} | {100 * row['share']:.1f} % "
        f"| {row['longest_run']} tokens |"
        for name, row in (
            (f"written by the model, temperature {how['temperature']}", copying["samples"]),
            ("held out", copying["held_out"]),
        )
    )
    return f"""\
## Copying

How many runs of {copying["gram"]} tokens stand in the training stories, word for word. Stories of
this kind share phrases, so the held-out stories give the measure.

| stories | | runs of {copying["gram"]} | of them in the training text | longest run |
|---|---:|---:|---:|---:|
{rows}

The longest run that the model copied:

{quote(copying["samples"]["longest_run_text"].strip())}

The longest run of the held-out stories that stands in the training text:

{quote(copying["held_out"]["longest_run_text"].strip())}
"""


def step_time(ratio: dict[str, Any]) -> str:
    """What a draft model lives on."""
    rows = "\n".join(
        f"| {r['dtype']} | {median(r['draft_ms']):.3f} ms | {median(r['target_ms']):.3f} ms "
        f"| {r['ratio']:.3f} |"
        for r in (ratio["float32"], ratio["default"])
    )
    first, last = ratio["context"]
    steps = len(ratio["float32"]["draft_ms"])
    return f"""\
## Step time

One decode step at batch 1 with {first} to {last} tokens of context: medians of {steps} steps of
each model, taken in turns of four. A draft model lives on this ratio.

| | this model | {ratio["target"]} | ratio |
|---|---:|---:|---:|
{rows}
"""


def limits(card: dict[str, Any]) -> str:
    """What not to expect."""
    size = card["held_out"]["bytes"]["train"] / 1e6
    return f"""\
## Limits

- It has read {size:.1f} MB of children's stories and nothing else. It knows no facts, follows no
  instructions, and answers no questions.
- It loses the thread: names change, people forget what they wanted. See the samples.
- The held-out stories also chose the epoch, and the width of `story`, so that their bits a byte
  flatter it a little.
- They come from the same file and the same writers as the training stories. Other text costs it
  more.
- It copies phrases; the numbers above say how many.
- It shows how an inference engine works. It is fit for nothing else.
"""


def samples(card: dict[str, Any]) -> str:
    """The first samples, whole, good and bad."""
    how, shown = card["sampling"], card["samples"]
    stories = "\n".join(
        f"**Seed {s['seed']}**{'' if s['ended'] else ' (cut off)'}\n\n{quote(s['text'])}\n"
        for s in shown
    )
    return f"""\
## Samples

The first {len(shown)} seeds at temperature {how["temperature"]}, good and bad, as they came. Each
story begins after an end-of-text token and is cut off after {how["longest"]} tokens. They were
drawn in {how["dtype"]} by torch {card["torch"]}; another machine may round otherwise, and then the
story is another.

{stories}"""


def quote(text: str) -> str:
    """`text` as a quotation in Markdown: each character stands for itself, each line for a line."""
    lines = [escape(line) for line in text.split("\n")]
    breaks = [
        "\\" if line and after else "" for line, after in zip(lines, [*lines[1:], ""], strict=True)
    ]
    return "\n".join(f"> {line}{end}".rstrip() for line, end in zip(lines, breaks, strict=True))


def escape(line: str) -> str:
    """One line without what Markdown would read as markup; control characters in hexadecimal."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line.strip())
    inert = re.sub(r"([\\`*_{}\[\]<>#|~&$])", r"\\\1", shown)
    inert = re.sub(r"^([-+=])", r"\\\1", inert)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", inert)
