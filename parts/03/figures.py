"""Part 3: figures from results, for light and dark pages."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREEN
from ruvon.course.drawing import GREY
from ruvon.course.drawing import RED
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings
from ruvon.course.drawing import plain

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save


def cell(
    axis: Axes, x: float, y: float, color: str | None, text: str = "", size: float = 7
) -> None:
    """One slot, a unit square with its lower left corner at (x, y)."""
    face = color or "none"
    axis.add_patch(Rectangle((x + 0.05, y + 0.08), 0.9, 0.84, facecolor=face, edgecolor="none",
                             alpha=0.3))  # fmt: skip
    axis.add_patch(
        Rectangle(
            (x + 0.05, y + 0.08),
            0.9,
            0.84,
            facecolor="none",
            edgecolor=color or GREY,
            linewidth=1 if color else 0.5,
            linestyle="-" if color else ":",
        )
    )
    axis.text(x + 0.5, y + 0.46, text, ha="center", va="center", size=size)


def picture(trace: dict) -> None:
    """Which tokens each step computes, without and with the cache."""
    steps = trace["steps"]
    prompt = trace["prompt_tokens"]
    total = steps[-1]["after"]
    ends = list(range(prompt, total + 1))
    _, axes = plt.subplots(1, 2, figsize=(7, 1.75))
    for axis, kept in zip(axes, (False, True), strict=True):
        computed = 0
        for row, end in enumerate(ends):
            y = len(ends) - 1 - row
            for token in range(total):
                old = kept and token < (0 if row == 0 else end - 1)
                color = None if token >= end else BLUE if old else AMBER
                computed += color == AMBER
                cell(axis, token, y, color)
            axis.text(-0.3, y + 0.46, f"step {row + 1}", ha="right", va="center", size=8)
        name = "With the cache" if kept else "Part 2"
        axis.set_title(f"{name}: {computed} tokens computed", color=GREY, fontsize=10)
        note = "amber: computed   blue: kept" if kept else "amber: computed"
        axis.text(total / 2, -0.5, note, ha="center", va="center", size=8)
        axis.set_xlim(-2, total)
        axis.set_ylim(-0.9, len(ends))
        axis.set_aspect("equal")
        axis.axis("off")
    save("picture.svg")


def walk(trace: dict) -> None:
    """The slots of the cache after each step of the recorded trace."""
    steps, capacity = trace["steps"], trace["capacity"]
    held: dict[int, str] = {}
    _, axis = plt.subplots(figsize=(7, 3.6))
    for row, event in enumerate(steps):
        y = 1.55 * (len(steps) - 1 - row)
        held |= dict(zip(event["positions"], event["pieces"], strict=True))
        for slot in range(capacity):
            color = AMBER if slot in event["written"] else BLUE if slot in event["read"] else None
            cell(axis, slot, y, color, held.get(slot, "").strip() or "", 6.5)
        start, count = event["start"], event["count"]
        label = f"start {start}, count {count}\n{event['before']} to {event['after']} tokens"
        axis.text(-0.25, y + 0.46, label, ha="right", va="center", size=7.5)
        last = event["read"][-1] + 1
        axis.plot([0.08, last - 0.08], [y - 0.1, y - 0.1], color=GREEN, linewidth=1.5)
        sampled = f"samples {event['sampled'].strip()!r}" if event["sampled"] else "samples nothing"
        axis.text(capacity + 0.2, y + 0.46, sampled, ha="left", va="center", size=7.5)
    for slot in range(capacity):
        axis.text(slot + 0.5, 1.55 * len(steps) - 0.25, str(slot), ha="center", size=7.5)
    axis.text(-0.25, 1.55 * len(steps) - 0.25, "slot", ha="right", size=7.5)
    x = 0.0
    for text, color in (("kept", BLUE), ("written in this step", AMBER), ("read", GREEN)):
        axis.text(x, -0.75, text, color=color, size=8)
        x += 1.6 if text == "kept" else 4.2
    axis.set_xlim(-3.4, capacity + 3)
    axis.set_ylim(-1, 1.55 * len(steps) + 0.3)
    axis.axis("off")
    save("walk.svg")


def step_time(steps: dict) -> None:
    """One step against the length: the whole sequence again, or the last token alone."""
    _, axes = plt.subplots(1, 2, figsize=(7, 3))
    for axis, name, title in zip(
        axes, ("story", "gpt2"), ("story", "GPT-2 124M's shape"), strict=True
    ):
        data = steps[name]
        for way, color, label in (
            ("full", RED, "Part 2"),
            ("fused", AMBER, "fused operator, no cache"),
            ("cached", BLUE, "cache"),
        ):
            milliseconds = [second * 1e3 for second in data[way]]
            axis.plot(data["lengths"], milliseconds, ".-", color=color, markersize=5)
            if name == "gpt2":
                spots = {"full": (0.05, 0.9), "fused": (0.05, 0.8), "cached": (0.05, 0.7)}
                axis.text(*spots[way], label, color=color, transform=axis.transAxes, size=9)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        plain(axis)
        axis.set_xlabel("length of the sequence, in tokens")
        axis.set_ylabel("milliseconds a step")
        axis.set_title(title, color=GREY, fontsize=10)
    save("step-time.svg")


def roofline(data: dict) -> None:
    """Rate against operations a byte, under the two roofs that were measured."""
    _, axis = plt.subplots(figsize=(7, 3.4))
    for name, color, label in (("gpt2", BLUE, "float32"), ("gpt2_bf16", AMBER, "bfloat16")):
        run = data[name]
        xs = [point["intensity"] for point in run["passes"]]
        ys = [point["rate"] / 1e9 for point in run["passes"]]
        grid = sorted([*xs, run["ridge"], max(600.0, 2 * run["ridge"])])
        roof = [min(run["bandwidth"] * x, run["flops"]) / 1e9 for x in grid]
        axis.plot(grid, roof, color=color, linewidth=1, linestyle="--")
        axis.plot(xs, ys, "o", color=color, markersize=4)
        axis.text(xs[0], roof[-1], f"{label}: the roof", color=color, va="center", size=9)
        for index, words in (
            (0, "1 token"),
            (len(xs) - 1, f"{run['passes'][-1]['tokens']} tokens"),
        ):
            axis.annotate(
                words,
                (xs[index], ys[index]),
                xytext=(6, -12) if index else (-3, -13),
                textcoords="offset points",
                color=color,
                size=8,
            )
    axis.set_xscale("log")
    axis.set_yscale("log")
    plain(axis)
    axis.set_ylim(axis.get_ylim()[0] * 0.7, axis.get_ylim()[1] * 1.6)
    axis.set_xlabel("operations a byte of weights")
    axis.set_ylabel("GFLOP/s")
    save("roofline.svg")


def chunks(data: dict) -> None:
    """The time of a whole prefill against the size of its chunks."""
    _, axis = plt.subplots(figsize=(7, 2.8))
    for name, color, label in (("story", BLUE, "story"), ("gpt2", AMBER, "GPT-2 124M's shape")):
        run = data[name]
        axis.plot(run["sizes"], run["over_one_pass"], ".-", color=color)
        axis.annotate(
            label,
            (run["sizes"][1], run["over_one_pass"][1]),
            xytext=(6, 6),
            textcoords="offset points",
            color=color,
        )
    axis.axhline(1, color=GREY, linewidth=0.7, linestyle=":")
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    plain(axis)
    axis.set_xlabel(f"tokens a chunk, of a prompt of {data['gpt2']['tokens']}")
    axis.set_ylabel("time over one pass")
    save("chunks.svg")


def heads() -> None:
    """Which query heads share which key and value heads."""
    _, axes = plt.subplots(1, 3, figsize=(7, 1.9))
    for axis, (name, shared) in zip(
        axes, (("multi-head", 1), ("grouped-query", 4), ("multi-query", 8)), strict=True
    ):
        for head in range(8):
            group = head // shared
            middle = group * shared + shared / 2 - 0.5
            axis.plot([head, middle], [1.75, 0.75], color=GREY, linewidth=0.8)
            axis.plot(head, 2, "s", color=BLUE, markersize=9)
            axis.plot(middle, 0.5, "s", color=AMBER, markersize=9)
        axis.set_title(f"{name}: {8 // shared} of 8", color=GREY, fontsize=10)
        axis.set_xlim(-0.7, 7.7)
        axis.set_ylim(-0.2, 2.6)
        axis.axis("off")
    axes[0].text(-0.4, -0.15, "query heads", color=BLUE, size=8)
    axes[0].text(3.2, -0.15, "key and value heads", color=AMBER, size=8)
    save("heads.svg")


def cache_size(memory: dict) -> None:
    """Bytes a token by shape, for three ways to share heads."""
    shapes = memory["shapes"]
    _, axis = plt.subplots(figsize=(7, 2.9))
    for index, (way, color, label) in enumerate(
        (
            ("mha", BLUE, "a key head for each query head"),
            ("gqa", AMBER, "a few shared ones"),
            ("mqa", GREEN, "one"),
        )
    ):
        places = [row + 0.26 * (1 - index) for row in range(len(shapes))]
        sizes = [shape[way]["token"] / 1024 for shape in shapes.values()]
        axis.barh(places, sizes, height=0.24, color=color, alpha=0.85)
        axis.text(0.98, 0.9 - 0.1 * index, label, color=color, transform=axis.transAxes,
                  ha="right", size=9)  # fmt: skip
    axis.set_yticks(range(len(shapes)), list(shapes))
    axis.invert_yaxis()
    axis.set_xlabel("KiB of keys and values a token, in 16 bits")
    axis.set_xlim(0, max(shape["mha"]["token"] for shape in shapes.values()) / 1024 * 1.35)
    plain_x = axis.xaxis
    plain_x.set_major_formatter(lambda value, _: f"{value:,g}")
    save("cache-size.svg")


def intensity(attention: dict) -> None:
    """Operations a byte of the linears and of attention, in decode, a chunk and a prefill."""
    table = attention["intensity"]
    names = ("decode", "chunk", "prefill")
    _, axis = plt.subplots(figsize=(7, 2.5))
    for index, (what, color) in enumerate((("linear", BLUE), ("attention", AMBER))):
        for row, name in enumerate(names):
            place, value = row + 0.3 * (index - 0.5), table[name][what]
            axis.barh(place, value - 0.5, height=0.28, left=0.5, color=color, alpha=0.85)
            axis.text(value * 1.08, place, f"{what} {value:,.0f}", color=color,
                      va="center", size=8)  # fmt: skip
    axis.set_yticks(
        range(3), [f"{n}: {table[n]['tokens']:,} new,\n{table[n]['cached']:,} kept" for n in names]
    )
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlim(0.5, 6000)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_xlabel("operations a byte read")
    save("intensity.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    trace, memory = read("trace"), read("memory")
    picture(trace)
    walk(trace)
    step_time(read("steps"))
    roofline(read("roofline"))
    chunks(read("chunks"))
    heads()
    cache_size(memory)
    intensity(read("attention"))


if __name__ == "__main__":
    main()
