"""Part 5: figures from results, for light and dark pages."""

from pathlib import Path

import matplotlib.pyplot as plt
from by_hand import KNOBS
from by_hand import TOKENS
from by_hand import UNIFORM
from by_hand import by_hand
from by_hand import drawn
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

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
COLORS = (BLUE, AMBER, GREEN, RED)


def plain(axis: Axes) -> None:
    """Numbers on the axes as people write them."""
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_minor_formatter(NullFormatter())


def picture(flat: dict) -> None:
    """One distribution, as it is and under each knob."""
    names = [token.strip() for token in flat["tokens"]] + ["all others"]
    _, axes = plt.subplots(1, len(flat["knobs"]), figsize=(8.4, 2.9), sharey=True)
    for axis, (name, made) in zip(axes, flat["knobs"].items(), strict=True):
        values = [*made["chances"], made["rest"]]
        places = range(len(values))
        axis.barh(places, values, height=0.75, color=BLUE if name == "plain" else AMBER)
        for place, value in zip(places, values, strict=True):
            text = f"{value:.2f}" if value > 1e-6 else "0"
            axis.text(value + 0.02, place, text, va="center", size=6.5)
        axis.set_title(f"{name}\n{made['kept']:,} kept", color=GREY, fontsize=8.5)
        axis.set_xlim(0, 1.05)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(names)), names, fontsize=8.5)
    axes[0].invert_yaxis()
    save("picture.svg")


def inverse() -> None:
    """The line from 0 to 1, cut by each knob's chances, and where u falls."""
    _, axis = plt.subplots(figsize=(7, 2.6))
    for line, knobs in enumerate(KNOBS.values()):
        chances = by_hand(**knobs)
        token, left = drawn(chances, UNIFORM), 0.0
        for index, chance in enumerate(chances):
            if not chance:
                continue
            alpha = 0.55 if index == token else 0.16
            axis.barh(line, chance, left=left, height=0.7, color=COLORS[index], alpha=alpha)
            axis.barh(line, chance, left=left, height=0.7, fill=False, edgecolor=COLORS[index])
            axis.text(left + chance / 2, line, TOKENS[index], ha="center", va="center", size=9)
            left += chance
        axis.text(1.02, line, f"draws {TOKENS[token]}", va="center", size=9)
    axis.plot([UNIFORM] * 2, [-0.5, len(KNOBS) - 0.5], color=GREY, linewidth=1.2, linestyle="--")
    axis.text(UNIFORM, -0.65, f"u = {UNIFORM}", ha="center", size=9)
    axis.set_yticks(range(len(KNOBS)), list(KNOBS))
    axis.invert_yaxis()
    axis.set_xlim(0, 1.14)
    axis.set_ylim(len(KNOBS) - 0.5, -1)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    save("inverse.svg")


def cost(data: dict) -> None:
    """Time of one call by what is asked for, for a few rows, beside a decode step."""
    ways = {
        "greedy": "greedy",
        "temperature": "temperature",
        "min_p": "+ min-p",
        "penalties": "+ penalties",
        "top_k": "+ top-k",
        "top_p": "+ top-p",
        "everything": "everything",
    }
    _, axis = plt.subplots(figsize=(7, 3.5))
    counts = [int(name.removeprefix("rows_")) for name in data if name.startswith("rows_")]
    for index, (count, color) in enumerate(zip(counts, (BLUE, AMBER, GREEN), strict=True)):
        made = data[f"rows_{count}"]
        places = [place + 0.26 * (index - 1) for place in range(len(ways))]
        times = [made["seconds"][way] * 1e3 for way in ways]
        axis.barh(places, times, height=0.24, color=color, alpha=0.85)
        label = "1 row" if count == 1 else f"{count} rows"
        axis.text(0.99, 0.97 - 0.075 * index, label, color=color, ha="right", va="top",
                  transform=axis.transAxes, size=9)  # fmt: skip
    step = data["steps"]["gpt2"]["seconds"] * 1e3
    axis.axvline(step, color=GREY, linewidth=1, linestyle="--")
    axis.text(step * 1.06, -0.75, "a decode step of\nGPT-2 124M's shape", va="top", size=8)
    axis.set_yticks(range(len(ways)), list(ways.values()))
    axis.invert_yaxis()
    axis.set_xscale("log")
    plain(axis)
    axis.set_yticks(range(len(ways)), list(ways.values()))
    axis.set_ylim(len(ways) - 0.4, -0.9)
    axis.set_xlabel("milliseconds for one token a row, vocabulary of 50,257")
    save("cost.svg")


def entropy_along(text: dict) -> None:
    """Entropy before each token of a text, and the surprise of the token that came."""
    _, axes = plt.subplots(2, 1, figsize=(8, 4.2))
    half = 46
    for axis, start in zip(axes, (0, half), strict=True):
        places = range(start, start + half)
        axis.bar(places, [text["entropy"][i] for i in places], width=0.85, color=BLUE, alpha=0.6)
        axis.plot(places, [text["surprise"][i] for i in places], ".", color=AMBER, markersize=5)
        pieces = [text["pieces"][i].replace("\n", " ").strip() for i in places]
        axis.set_xticks(list(places), pieces, rotation=90, fontsize=7)
        axis.set_xlim(start - 0.7, start + half - 0.3)
        axis.set_ylim(0, 16.5)
        axis.set_ylabel("bits")
    axes[0].text(0.01, 0.9, "entropy before the token", color=BLUE, transform=axes[0].transAxes)
    axes[0].text(0.01, 0.77, "surprise of the token", color=AMBER, transform=axes[0].transAxes)
    save("entropy-along.svg")


def knobs(data: dict) -> None:
    """Entropy of a flat and of a peaked distribution against each knob."""
    _, axes = plt.subplots(1, 4, figsize=(8.4, 2.6), sharey=True)
    for axis, (knob, title) in zip(
        axes,
        (
            ("temperature", "temperature"),
            ("top_k", "top-k"),
            ("top_p", "top-p"),
            ("min_p", "min-p"),
        ),
        strict=True,
    ):
        grid = data["grids"][knob]
        for name, color in (("flat", BLUE), ("peaked", AMBER)):
            axis.plot(grid, data[name][knob]["entropy"], ".-", color=color, markersize=4)
            axis.axhline(data[name]["entropy"], color=color, linewidth=0.7, linestyle=":")
        if knob in ("top_k", "min_p"):
            axis.set_xscale("log")
        plain(axis)
        axis.set_xlabel(title)
    axes[0].set_ylabel("entropy, bits")
    axes[1].text(0.05, 0.92, "flat", color=BLUE, transform=axes[1].transAxes)
    axes[1].text(0.05, 0.82, "peaked", color=AMBER, transform=axes[1].transAxes)
    save("knobs.svg")


def kept_sets(text: dict) -> None:
    """How many tokens two filters keep at each position of a text, against its entropy."""
    _, axis = plt.subplots(figsize=(7, 3.1))
    for name, color, label in (
        ("kept_top_p", BLUE, f"top-p {text['top_p']}"),
        ("kept_min_p", AMBER, f"min-p {text['min_p']}"),
    ):
        axis.plot(text["entropy"], text[name], ".", color=color, markersize=5, alpha=0.8)
        spot = 0.93 if name == "kept_top_p" else 0.84
        axis.text(0.02, spot, label, color=color, transform=axis.transAxes)
    axis.plot(sorted(text["entropy"]), [2**bits for bits in sorted(text["entropy"])], color=GREY,
              linewidth=0.9, linestyle=":")  # fmt: skip
    axis.text(0.02, 0.75, "dotted: 2 to the entropy", transform=axis.transAxes)
    axis.set_yscale("log", base=2)
    plain(axis)
    axis.set_xlabel("entropy of the position, bits")
    axis.set_ylabel("tokens kept")
    save("kept.svg")


def loops(data: dict) -> None:
    """Entropy, and what was said before, along greedy, drawn and penalised texts."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 2.8))
    size = data["window"]
    for name, color, label in (
        ("greedy", BLUE, "greedy"),
        ("drawn", AMBER, "drawn at temperature 1"),
        ("penalised", GREEN, "greedy, repetition penalty"),
    ):
        middles = [size * (n + 0.5) for n in range(len(data[name]["entropy"]))]
        axes[0].plot(middles, data[name]["entropy"], ".-", color=color)
        axes[1].plot(middles, [100 * x for x in data[name]["repeated"]], ".-", color=color)
        spot = {"greedy": 0.95, "drawn": 0.86, "penalised": 0.77}[name]
        axes[1].text(0.03, spot, label, color=color, transform=axes[1].transAxes, size=9)
    axes[0].set_ylim(0, None)
    axes[1].set_ylim(-2, 60)
    axes[0].set_ylabel("entropy, bits")
    axes[1].set_ylabel("% said before")
    for axis in axes:
        axis.set_xlabel("new tokens")
    save("loops.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    picture(read("distribution")["flat"])
    inverse()
    text = read("text")
    entropy_along(text)
    kept_sets(text)
    knobs(read("knobs"))
    loops(read("loops"))
    cost(read("cost"))


if __name__ == "__main__":
    main()
