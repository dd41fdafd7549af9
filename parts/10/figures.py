"""Part 10: figures from results, for light and dark pages."""

import math
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREEN
from ruvon.course.drawing import GREY
from ruvon.course.drawing import RED
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save


def color(probability: float) -> str:
    """Green for what the model expected, red for what surprised it: as in the demo."""
    return GREEN if probability > 0.3 else AMBER if probability > 0.03 else RED


def picture(sentence: dict) -> None:
    """A bar for each token, as high as its probability, and what was likelier in its place."""
    tokens = sentence["tokens"]
    _, axis = plt.subplots(figsize=(7, 2.9))
    axis.text(0, -0.09, sentence["first"], ha="center", va="top", size=9)
    axis.text(0, 0.03, "none", ha="center", size=7)
    for at, token in enumerate(tokens, start=1):
        share, best = math.exp(token["logprob"]), math.exp(token["best_logprob"])
        shade = color(share)
        if token["rank"] > 1:
            axis.add_patch(
                Rectangle((at - 0.4, 0), 0.8, best, facecolor="none", edgecolor=GREY, linestyle=":")
            )
            axis.text(at, best + 0.02, token["best"].strip(), ha="center", size=7, style="italic")
        height = max(share, 0.012)  # or nobody sees it
        axis.add_patch(Rectangle((at - 0.4, 0), 0.8, height, facecolor=shade, alpha=0.75))
        axis.text(at, -0.09, token["text"].strip(), ha="center", va="top", size=9, color=shade)
        label = f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
        axis.text(at, -0.22, label, ha="center", va="top", size=7)
    axis.axhline(0, color=GREY, linewidth=0.6)
    axis.set_xlim(-0.6, len(tokens) + 0.6)
    axis.set_ylim(-0.32, 1.1)
    axis.axis("off")
    save("picture.svg")


def cost(data: dict) -> None:
    """A step's sampling with and without scores, for two vocabularies."""
    ways = (
        ("none", GREY, "greedy"),
        ("0", GREEN, "greedy, logprobs 0"),
        ("20", BLUE, "greedy, logprobs 20"),
        ("drawn", AMBER, "drawn with top-p"),
    )
    _, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    for axis, name in zip(axes, ("story", "gpt2"), strict=True):
        rows = [entry for key, entry in data[name].items() if key.startswith("rows_")]
        counts = [int(key.removeprefix("rows_")) for key in data[name]]
        for index, (way, shade, label) in enumerate(ways):
            values = [entry["median"][way] * 1e3 for entry in rows]
            axis.plot(counts, values, ".-", color=shade, markersize=6)
            if name == "story":
                axis.text(0.04, 0.93 - 0.09 * index, label, color=shade, size=9,
                          transform=axis.transAxes)  # fmt: skip
        floors = [entry["floor"] * 1e3 for entry in rows]
        axis.plot(counts, floors, ":", color=RED, linewidth=1)
        if name == "gpt2":
            axis.annotate("floor: one read", (counts[1], floors[1]), xytext=(-4, -14),
                          textcoords="offset points", color=RED, size=8)  # fmt: skip
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axis.set_xlabel("rows")
        axis.set_title(f"{rows[0]['vocabulary']:,} tokens", color=GREY, fontsize=10)
    axes[0].set_ylabel("milliseconds")
    save("cost.svg")


def memory(data: dict) -> None:
    """How far scoring a prompt raises the peak of memory."""
    lengths = data["lengths"]
    entries = [data[f"tokens_{length}"] for length in lengths]
    _, axis = plt.subplots(figsize=(7, 2.9))
    for way, shade, label in (
        ("at_once", RED, "all rows at once"),
        ("chunked", AMBER, f"chunks of {data['chunk']}"),
        ("returned", BLUE, "the same, blocks returned at once"),
    ):
        values = [max(entry[way]["peak"]) / 1e6 for entry in entries]
        axis.plot(lengths, values, "-", color=shade)
        for length, entry in zip(lengths, entries, strict=True):
            several = [bytes / 1e6 for bytes in entry[way]["peak"]]
            axis.plot([length] * len(several), several, "o", color=shade, markersize=4)
        axis.annotate(label, (lengths[-1], values[-1]), xytext=(8, -3),
                      textcoords="offset points", color=shade, size=9)  # fmt: skip
    for key, shade in (("formula", RED), ("formula_chunk", BLUE)):
        values = [2 * entry[key] / 1e6 for entry in entries]
        axis.plot(lengths, values, ":", color=shade, linewidth=1)
    axis.text(0.03, 0.92, "dotted: logits and their powers", size=8, transform=axis.transAxes)
    axis.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axis.set_xlim(lengths[0] - 40, lengths[-1] * 1.45)
    axis.set_ylim(0)
    axis.set_xlabel("tokens of the prompt")
    axis.set_ylabel("peak rises by, MB")
    save("memory.svg")


def texts(data: dict) -> None:
    """The perplexity of each story, and of its words in other orders."""
    _, axis = plt.subplots(figsize=(7, 2.3))
    for at, story in enumerate(data["stories"]):
        axis.plot(story["perplexity"], at, "o", color=GREEN, markersize=7)
        axis.plot(story["shuffled"], [at] * len(story["shuffled"]), "o", color=RED, markersize=4,
                  alpha=0.6)  # fmt: skip
    axis.axvline(data["vocabulary"], color=GREY, linewidth=0.8, linestyle=":")
    top = len(data["stories"]) - 0.4
    axis.text(data["vocabulary"] * 0.94, top, "knows nothing", ha="right", size=8)
    axis.text(data["stories"][0]["perplexity"], top, "as written", color=GREEN, size=9)
    axis.text(data["vocabulary"] * 1.1, top, "words shuffled", color=RED, size=9)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_ylim(-0.6, len(data["stories"]) + 0.3)
    axis.set_yticks(range(len(data["stories"])), [str(n + 1) for n in range(len(data["stories"]))])
    axis.set_xlabel("perplexity")
    axis.set_ylabel("story")
    save("texts.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    picture(read("sentence"))
    cost(read("cost"))
    memory(read("memory"))
    texts(read("texts"))


if __name__ == "__main__":
    main()
