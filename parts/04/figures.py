"""Part 4: figures from results, for light and dark pages."""

import statistics
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREEN
from ruvon.course.drawing import GREY
from ruvon.course.drawing import RED
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings
from ruvon.course.drawing import box

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save


def arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "") -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.1})
    if text:
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        if start[0] == end[0]:
            axis.text(x + 0.1, y, text, ha="left", va="center", size=7.5)
        else:
            axis.text(x, y + 0.12, text, ha="center", va="bottom", size=7.5)


def picture() -> None:
    """A request's way, and which thread it is in."""
    _, axis = plt.subplots(figsize=(7.2, 3.5))
    axis.axhspan(1.75, 5.15, xmin=0.17, xmax=1, color=BLUE, alpha=0.06, linewidth=0)
    axis.axhspan(-0.2, 1.45, xmin=0.17, xmax=1, color=AMBER, alpha=0.08, linewidth=0)
    axis.text(11.9, 4.95, "the event loop: never waits for a step", ha="right", va="top", size=8,
              color=BLUE)  # fmt: skip
    axis.text(9.3, 0.7, "one thread that computes", ha="right", va="center", size=8, color=AMBER)
    box(axis, 0.0, 2.6, 1.6, "client", "a socket", GREY)
    box(axis, 2.5, 3.7, 1.9, "Guard", "key, size", BLUE)
    box(axis, 5.1, 3.7, 1.9, "route", "fields, or 400", BLUE)
    box(axis, 7.7, 3.7, 1.9, "Service", "text to ids", BLUE)
    box(axis, 9.6, 2.1, 1.9, "Direct", "a Backend", BLUE)
    box(axis, 2.5, 2.1, 1.9, "EventStream", "until it is gone", BLUE)
    box(axis, 6.0, 2.1, 1.9, "frame", "text to bytes", BLUE)
    box(axis, 9.6, 0.2, 1.9, "LLM.run", "one step a call", AMBER)
    arrow(axis, (1.6, 3.4), (2.5, 4.1))
    arrow(axis, (4.4, 4.2), (5.1, 4.2))
    arrow(axis, (7.0, 4.2), (7.7, 4.2))
    arrow(axis, (9.6, 4.0), (10.4, 3.1))
    arrow(axis, (10.25, 2.1), (10.25, 1.2))
    arrow(axis, (10.85, 1.2), (10.85, 2.1))
    axis.text(10.1, 1.62, "next", ha="right", va="center", size=7.5)
    axis.text(11.0, 1.62, "increment", ha="left", va="center", size=7.5)
    arrow(axis, (9.6, 2.6), (7.9, 2.6), "increment")
    arrow(axis, (6.0, 2.6), (4.4, 2.6), "data: ...")
    arrow(axis, (2.5, 2.6), (1.6, 2.9))
    axis.set_xlim(-0.1, 12.1)
    axis.set_ylim(-0.25, 5.2)
    axis.axis("off")
    save("picture.svg")


def timeline(walk: dict) -> None:
    """One request as it was: the client, the event loop and the thread, against time."""
    events = walk["events"]
    lanes = {"client": 2, "loop": 1, "thread": 0}
    names = {"client": "client", "loop": "event loop", "thread": "thread"}
    last = events[-1]["ms"]
    _, axis = plt.subplots(figsize=(7.2, 2.9))
    for who, y in lanes.items():
        axis.plot([0, last], [y, y], color=GREY, linewidth=0.6)
        axis.text(-0.012 * last, y, names[who], ha="right", va="center", size=9)
    began = {}
    when = {event["what"].partition(":")[0]: event["ms"] for event in events}
    for event in events:
        words = event["what"].split()
        if event["who"] == "thread" and words[2] == "begins":
            began[words[1]] = event["ms"]
        elif event["who"] == "thread":
            start = began[words[1]]
            dead = when["leaves"] < event["ms"]
            color = RED if dead else AMBER
            if dead:
                axis.text(event["ms"], 0.22, "for nobody", ha="right", size=8, color=RED)
            axis.barh(0, event["ms"] - start, 0.34, start, color=color, alpha=0.85)
            text = event["what"].partition(": ")[2].strip("'").strip()
            axis.text((start + event["ms"]) / 2, -0.24, f"{words[1]}\n{text}", ha="center",
                      va="top", size=8)  # fmt: skip
    for number in range(1, walk["leaves_at"] + 1):
        out, came = when[f"chunk {number} leaves"], when[f"reads chunk {number}"]
        axis.plot([out, came], [1, 2], color=BLUE, linewidth=1)
        axis.plot(out, 1, "o", color=BLUE, markersize=3.5)
        axis.plot(came, 2, "o", color=GREEN, markersize=3.5)
        axis.text(came, 2.14, str(number), ha="center", va="bottom", size=8, color=GREEN)
    axis.plot([0, when["a request is here"]], [2, 1], color=GREY, linewidth=1)
    axis.plot(0, 2, "o", color=GREY, markersize=3.5)
    axis.text(0, 2.14, "asks", ha="center", va="bottom", size=8)
    axis.plot([when["leaves"], when["the client is gone"]], [2, 1], color=RED, linewidth=1)
    axis.plot(when["the client is gone"], 1, "x", color=RED, markersize=6)
    axis.text(when["leaves"] + 0.012 * last, 2.14, "and leaves", ha="left", va="bottom", size=8,
              color=RED)  # fmt: skip
    axis.text(when["the client is gone"] + 0.012 * last, 1.14, "sees it", size=8, color=RED)
    axis.set_ylim(-0.95, 2.6)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("milliseconds since the client asked")
    save("walk.svg")


def first(results: dict) -> None:
    """The wait for the first text against the length of the answer."""
    lengths = results["lengths"]
    _, axis = plt.subplots(figsize=(7.2, 2.9))
    for name, color, label in (("whole", RED, "whole"), ("first", BLUE, "streamed")):
        taken = [[1e3 * s for s in results["at"][str(n)][name]] for n in lengths]
        axis.plot(lengths, [statistics.median(one) for one in taken], ".-", color=color)
        for n, one in zip(lengths, taken, strict=True):
            axis.plot([n] * len(one), one, "_", color=color, alpha=0.5, markersize=7)
        axis.text(1.06 * lengths[-1], statistics.median(taken[-1]), label, color=color, va="center")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(lengths)
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_xlabel("tokens in the answer")
    axis.set_ylabel("ms until the first text")
    axis.set_xlim(None, lengths[-1] * 1.6)
    save("first.svg")


def clients(results: dict) -> None:
    """Four clients that asked at once: who waits, and who is served."""
    runs = results["samples"]["4"]
    run = sorted(runs, key=lambda one: one[-1]["last"])[len(runs) // 2]
    _, axis = plt.subplots(figsize=(7.2, 2.2))
    for row, one in enumerate(run):
        axis.barh(row, one["first"], 0.55, color=GREY, alpha=0.3)
        axis.barh(row, one["last"] - one["first"], 0.55, one["first"], color=BLUE, alpha=0.85)
    axis.text(run[-1]["first"] / 2, len(run) - 1, "waits", ha="center", va="center", size=9)
    middle = (run[0]["first"] + run[0]["last"]) / 2
    axis.text(middle, 0, "is served", ha="center", va="center", size=9, color="white")
    axis.set_yticks(range(len(run)), [f"client {row + 1}" for row in range(len(run))])
    axis.invert_yaxis()
    axis.set_xlabel("seconds since all of them asked")
    save("clients.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    picture()
    timeline(read("walk"))
    first(read("first"))
    clients(read("clients"))


if __name__ == "__main__":
    main()
