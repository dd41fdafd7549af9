"""Part 1: figures from results, for light and dark pages."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREEN
from ruvon.course.drawing import GREY
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save
TITLES = {"story": "story", "gpt2": "GPT-2 124M's shape"}


def visible(piece: str) -> str:
    return piece.replace(" ", "·").replace("\n", "⏎")


def trace(data: dict) -> None:
    """Who looked at whom in the last layer, and each row's best next token."""
    weights, count = data["weights"][-1], len(data["ids"])
    blues = LinearSegmentedColormap.from_list("blues", [(0.23, 0.51, 0.96, a) for a in (0.06, 1)])
    hidden = [
        [w if s <= t else float("nan") for s, w in enumerate(r)] for t, r in enumerate(weights)
    ]
    _, axis = plt.subplots(figsize=(7, 4.2))
    # Squares as vectors, not as a picture: sharp at any size.
    axis.pcolormesh(hidden, cmap=blues, vmin=0, vmax=max(map(max, weights[2:])))
    pieces = [visible(piece) for piece in data["pieces"]]
    middles = [index + 0.5 for index in range(count)]
    axis.set_xticks(middles, pieces, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(middles, pieces)
    axis.set_xlim(0, count + 5)
    axis.set_ylim(count, 0)
    axis.spines["bottom"].set_bounds(0, count)
    axis.tick_params(length=0)
    for middle, best, chance in zip(middles, data["best"], data["best_chance"], strict=True):
        axis.text(count + 0.4, middle, f"{visible(best)}  {chance:.0%}", va="center", color=AMBER)
    axis.text(count + 0.4, -0.4, "its best guess", color=AMBER, va="center")
    axis.text(count * 0.72, 2.2, "hidden by the\ncausal mask", ha="center", color=GREY)
    axis.set_ylabel("each token ...")
    axis.set_xlabel("... looks at these", x=count / (count + 5) / 2)
    save("trace.svg")


def where(data: dict) -> None:
    """Share of the bytes and of the time, by kind of piece."""
    kinds = ["MLP", "projections", "attention", "head", "embeddings", "norms"]
    _, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    for axis, (name, title) in zip(axes, TITLES.items(), strict=True):
        for row, kind in enumerate(kinds):
            shares = (
                (row - 0.19, data[name]["byte_share"].get(kind, 0.0), BLUE),
                (row + 0.19, data[name]["time_share"][kind], AMBER),
            )
            for place, share, color in shares:
                axis.barh(place, share, height=0.34, color=color)
                axis.text(share + 0.01, place, f"{share:.0%}", va="center", color=color, fontsize=8)
        axis.set_yticks(range(len(kinds)), kinds)
        axis.set_xlim(0, 0.75)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(length=0)
        axis.set_title(title, color=GREY, fontsize=10)
    axes[0].invert_yaxis()
    axes[1].text(0.45, 3.6, "share of the bytes", color=BLUE)
    axes[1].text(0.45, 4.2, "share of the time", color=AMBER)
    save("where.svg")


def line(axis: Axes, xs: list[int], ys: list[float], label: str, color: str) -> None:
    axis.plot(xs, ys, ".-", color=color)
    axis.text(xs[-1] * 1.03, ys[-1], label, color=color, va="center")


def length(data: dict) -> None:
    """Time of a pass against its length, taken apart."""
    _, axes = plt.subplots(1, 2, figsize=(7, 3))
    for axis, (name, title) in zip(axes, TITLES.items(), strict=True):
        points = data[name]["points"]
        xs = [point["tokens"] for point in points]
        whole = [point["seconds"] * 1e3 for point in points]
        inside = [point["attention_seconds"] * 1e3 for point in points]
        rest = [one - other for one, other in zip(whole, inside, strict=True)]
        line(axis, xs, whole, "all", BLUE)
        axis.plot(xs, rest, ".-", color=GREEN)
        axis.plot(xs, inside, ".-", color=AMBER)
        # Close to each other at the end: the labels keep a distance.
        upper, lower = ("the rest", GREEN, rest[-1]), ("attention", AMBER, inside[-1])
        if upper[2] < lower[2]:
            upper, lower = lower, upper
        middle, apart = (upper[2] + lower[2]) / 2, max(upper[2] - lower[2], whole[-1] * 0.09)
        for (label, color, _), place in ((upper, middle + apart / 2), (lower, middle - apart / 2)):
            axis.text(xs[-1] * 1.03, place, label, color=color, va="center")
        axis.set_xlim(0, xs[-1] * 1.38)
        axis.set_ylim(0, max(whole) * 1.08)
        axis.spines["bottom"].set_bounds(0, xs[-1])
        axis.set_xticks([0, xs[-1] // 2, xs[-1]])
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_xlabel("tokens in the pass", x=1 / 2.76)
        axis.set_title(title, color=GREY, fontsize=10)
    axes[0].set_ylabel("milliseconds")
    save("length.svg")


def compression(data: dict) -> None:
    """How many bytes a token stands for, by kind of text."""
    texts = data["texts"]
    _, axis = plt.subplots(figsize=(7, 2.3))
    for row, (_name, text) in enumerate(texts.items()):
        value = text["bytes_per_token"]
        axis.barh(row, value, height=0.6, color=BLUE)
        label = f"{value:.2f}  ({text['bytes']} bytes, {text['tokens']} tokens)"
        axis.text(value + 0.05, row, label, va="center")
    axis.axvline(1, color=AMBER, linewidth=1)
    axis.text(1.04, len(texts) - 0.35, "no merge at all", color=AMBER, va="center", fontsize=9)
    axis.set_yticks(range(len(texts)), list(texts))
    axis.set_ylim(len(texts) - 0.05, -0.5)
    axis.set_xlim(0, max(text["bytes_per_token"] for text in texts.values()) * 1.45)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    axis.tick_params(length=0)
    axis.set_xlabel("bytes a token stands for")
    save("compression.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    trace(read("trace"))
    where(read("where"))
    length(read("length"))
    compression(read("compression"))


if __name__ == "__main__":
    main()
