"""Part 6: figures from results, for light and dark pages."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
GREY, BLUE, AMBER, GREEN, RED = "#777777", "#3b82f6", "#f59e0b", "#10b981", "#ef4444"
STYLE = {
    "svg.hashsalt": "ruvon",
    "svg.fonttype": "path",
    "font.size": 10,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def read(name: str) -> dict:
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def save(name: str) -> None:
    target = HERE / "figures" / name
    target.parent.mkdir(exist_ok=True)
    plt.tight_layout()
    plt.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close()


def box(axis: Axes, x: float, y: float, title: str, below: str, color: str) -> None:
    """A rounded box with its lower left corner at (x, y), one unit high."""
    for face, alpha in ((color, 0.12), ("none", 1.0)):
        axis.add_patch(
            FancyBboxPatch(
                (x, y),
                WIDE,
                1,
                boxstyle="round,pad=0,rounding_size=0.12",
                facecolor=face,
                edgecolor=color if face == "none" else "none",
                alpha=alpha,
                linewidth=1.2,
            )
        )
    axis.text(x + WIDE / 2, y + 0.66, title, ha="center", va="center", size=9.5, color=color)
    axis.text(x + WIDE / 2, y + 0.28, below, ha="center", va="center", size=7.5)


WIDE = 2.0  # of a box


def arrow(axis: Axes, *points: tuple[float, float], color: str = GREY) -> None:
    """A line along the points, with a head at its end."""
    if len(points) > 2:
        axis.plot([x for x, _ in points[:-1]], [y for _, y in points[:-1]], color=color, lw=1.1)
    style = {"arrowstyle": "->", "color": color, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", points[-1], points[-2], arrowprops=style)


def picture() -> None:
    """The way of a request through the engine, and which thread it is in."""
    _, axis = plt.subplots(figsize=(7.4, 3.6))
    axis.axhspan(4.0, 6.35, color=BLUE, alpha=0.06, linewidth=0)
    axis.axhspan(0.2, 3.2, color=AMBER, alpha=0.08, linewidth=0)
    axis.text(11.65, 6.2, "the event loop: talks with clients", ha="right", va="top", size=8,
              color=BLUE)  # fmt: skip
    axis.text(0.1, 0.4, "the engine's thread: one step after the other", ha="left",
              va="bottom", size=8, color=AMBER)  # fmt: skip
    box(axis, 0.1, 4.6, "admit", "room, or 429", BLUE)
    box(axis, 2.7, 4.6, "submit", "a Stream for it", BLUE)
    box(axis, 9.5, 4.6, "deliver", "to each Stream", BLUE)
    arrow(axis, (2.1, 5.1), (2.7, 5.1))
    arrow(axis, (9.5, 5.1), (8.4, 5.1))
    axis.text(8.3, 5.1, "to the client", ha="right", va="center", size=8)
    arrow(axis, (3.7, 4.6), (3.7, 4.05), (1.1, 4.05), (1.1, 2.7))
    axis.text(1.25, 3.6, "inbox", ha="left", va="center", size=9, color=GREY)
    axis.text(1.25, 3.35, "emptied between steps", ha="left", va="center", size=7.5)
    box(axis, 0.1, 1.7, "queue", "who waits, in order", AMBER)
    box(axis, 2.7, 1.7, "scheduler", "who computes what", AMBER)
    box(axis, 5.4, 1.7, "runner", "tensors, model, rows", AMBER)
    box(axis, 8.1, 1.7, "commit", "tokens, ends, frees", AMBER)
    arrow(axis, (2.1, 2.2), (2.7, 2.2))
    arrow(axis, (4.7, 2.2), (5.4, 2.2))
    axis.text(5.05, 2.32, "Batch", ha="center", va="bottom", size=7.5)
    arrow(axis, (7.4, 2.2), (8.1, 2.2))
    axis.text(7.75, 2.32, "ids", ha="center", va="bottom", size=7.5)
    arrow(axis, (10.1, 2.2), (10.5, 2.2), (10.5, 4.6))
    axis.text(10.6, 3.6, "outputs", ha="left", va="center", size=9)
    arrow(axis, (9.1, 1.7), (9.1, 1.05), (3.7, 1.05), (3.7, 1.7))
    axis.text(6.4, 0.98, "next step", ha="center", va="top", size=7.5)
    for x, name in ((3.7, "plan"), (6.0, "launch"), (7.1, "read"), (9.1, "commit")):
        axis.text(x, 2.85, name, ha="center", va="center", size=7.5, color=AMBER)
    arrow(axis, (9.7, 1.7), (9.7, 0.75), color=GREEN)
    axis.text(9.7, 0.52, "events: who wants to know", ha="center", va="center", size=8, color=GREEN)
    axis.set_xlim(-0.05, 11.75)
    axis.set_ylim(0.15, 6.4)
    axis.axis("off")
    save("picture.svg")


def timeline(results: dict) -> None:
    """Who waits and who is computed, from the engine's events."""
    events = results["events"]
    rows = list(results["requests"])
    end = max(event["ms"] for event in events)
    _, axis = plt.subplots(figsize=(7.4, 3.1))
    for row, id in enumerate(rows):
        mine = [event for event in events if event["request"] == id]
        when = {event["kind"]: event["ms"] for event in reversed(mine)}
        tokens = [event["ms"] for event in mine if event["kind"] == "computed"]
        axis.barh(row, when["started"] - when["queued"], 0.5, when["queued"], color=GREY, alpha=0.3)
        axis.barh(row, when["finished"] - when["started"], 0.5, when["started"], color=BLUE,
                  alpha=0.75)  # fmt: skip
        axis.vlines(tokens, row - 0.25, row + 0.25, color="white", linewidth=0.4, alpha=0.7)
        axis.plot([when["queued"]] * 2, [row - 0.36, row + 0.36], color=GREY, linewidth=1.2)
        axis.plot(tokens[0], row, "o", color=GREEN, markersize=5)
        if id in results["first_steps"]:
            text = f"{results['first_steps'][id]} steps to its first token"
            axis.text((when["queued"] + when["started"]) / 2, row, text, ha="center", va="center",
                      size=8)  # fmt: skip
    place = 0.0
    for text, color, width in (
        ("| comes", GREY, 0.11),
        ("waits", GREY, 0.09),
        ("is computed, a stripe a token", BLUE, 0.36),
        ("the first token", GREEN, 0),
    ):
        axis.text(place, 1.02, text, color=color, transform=axis.transAxes, size=8.5)
        place += width
    names = [f"{id}: {new} tokens" for id, new in results["requests"].items()]
    axis.set_yticks(range(len(rows)), names)
    axis.invert_yaxis()
    axis.set_xlim(-0.01 * end, 1.01 * end)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_xlabel("milliseconds")
    save("timeline.svg")


def behind(results: dict) -> None:
    """The wait of a short request against the length of the one before it."""
    lengths = results["lengths"]
    _, axis = plt.subplots(figsize=(7.4, 2.8))
    line = [1e3 * results["formula"][str(n)] for n in lengths]
    axis.plot(lengths, line, color=AMBER, linewidth=1.2)
    for n in lengths:
        taken = [1e3 * seconds for seconds in results["samples"][str(n)]]
        axis.plot([n] * len(taken), taken, "_", color=BLUE, markersize=9)
        axis.plot(n, 1e3 * results["seconds"][str(n)], "o", color=BLUE, markersize=4)
    axis.axhline(1e3 * results["alone"], color=GREEN, linewidth=1.2)
    axis.text(lengths[-1], 1e3 * results["alone"] * 1.15, "alone", color=GREEN, ha="right",
              va="bottom")  # fmt: skip
    axis.text(0.03, 0.9, "measured", color=BLUE, transform=axis.transAxes)
    axis.text(0.03, 0.78, "(n - 1) steps, and its own", color=AMBER, transform=axis.transAxes)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_xticks(lengths)
    axis.minorticks_off()
    axis.set_xlabel("tokens of the request before it")
    axis.set_ylabel("ms to its first token")
    save("behind.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    picture()
    timeline(read("timeline"))
    behind(read("behind"))


if __name__ == "__main__":
    main()
