"""Part 6: figures from results, for light and dark pages."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREEN
from ruvon.course.drawing import GREY
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings
from ruvon.course.drawing import box

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save


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
    box(axis, 0.1, 4.6, WIDE, "admit", "room, or 429", BLUE)
    box(axis, 2.7, 4.6, WIDE, "submit", "a Stream for it", BLUE)
    box(axis, 9.5, 4.6, WIDE, "deliver", "to each Stream", BLUE)
    arrow(axis, (2.1, 5.1), (2.7, 5.1))
    arrow(axis, (9.5, 5.1), (8.4, 5.1))
    axis.text(8.3, 5.1, "to the client", ha="right", va="center", size=8)
    arrow(axis, (3.7, 4.6), (3.7, 4.05), (1.1, 4.05), (1.1, 2.7))
    axis.text(1.25, 3.6, "inbox", ha="left", va="center", size=9, color=GREY)
    axis.text(1.25, 3.35, "emptied between steps", ha="left", va="center", size=7.5)
    box(axis, 0.1, 1.7, WIDE, "queue", "who waits, in order", AMBER)
    box(axis, 2.7, 1.7, WIDE, "scheduler", "who computes what", AMBER)
    box(axis, 5.4, 1.7, WIDE, "runner", "tensors, model, rows", AMBER)
    box(axis, 8.1, 1.7, WIDE, "commit", "tokens, ends, frees", AMBER)
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
