"""Part 2: figures from results, for light and dark pages."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

from ruvon.course.drawing import AMBER
from ruvon.course.drawing import BLUE
from ruvon.course.drawing import GREY
from ruvon.course.drawing import STYLE
from ruvon.course.drawing import Drawings

HERE = Path(__file__).parent
drawings = Drawings(HERE)
read, save = drawings.read, drawings.save
FORMULA = "fixed + operations / rate"


def step_time(steps: dict) -> None:
    """Each step's time beside the length it computed, and the formula that explains it."""
    _, axes = plt.subplots(1, 2, figsize=(7, 2.9))
    for axis, (name, title) in zip(
        axes, (("story", "story"), ("gpt2", "GPT-2 124M's shape")), strict=True
    ):
        data = steps[name]
        lengths = [data["prompt_tokens"] + step for step in range(data["new_tokens"])]
        milliseconds = [second * 1e3 for second in data["step_seconds"]]
        formula = [
            1e3 * (data["fixed_seconds"] + flops / data["flops_per_second"])
            for flops in data["step_flops"]
        ]
        top = 1.1 * max(*sorted(milliseconds)[: -max(1, len(milliseconds) // 50)], *formula)
        axis.plot(lengths, milliseconds, ".", color=BLUE, markersize=3)
        axis.plot(lengths, formula, color=AMBER, linewidth=1.5)
        # The two labels stand on opposite sides of what they name.
        axis.text(0.05, 0.95, "measured", transform=axis.transAxes, va="top", color=BLUE)
        axis.text(
            0.97,
            0.06,
            "fixed + operations / rate",
            transform=axis.transAxes,
            ha="right",
            color=AMBER,
        )
        axis.set_xlabel("tokens computed in the step")
        axis.set_ylabel("milliseconds")
        axis.set_ylim(0, top)
        axis.set_xlim(0, None)
        axis.set_title(title, color=GREY, fontsize=10)
    save("step-time.svg")


def total(steps: dict) -> None:
    """Tokens computed so far against tokens gained: the area that grows with the square."""
    data = steps["story"]
    prompt, new = data["prompt_tokens"], data["new_tokens"]
    gained = list(range(1, new + 1))
    computed = [sum(range(prompt, prompt + n)) for n in gained]
    needed = [prompt + n - 1 for n in gained]
    _, axis = plt.subplots(figsize=(7, 2.9))
    axis.fill_between(gained, needed, computed, color=AMBER, alpha=0.25, linewidth=0)
    axis.plot(gained, computed, color=AMBER)
    axis.plot(gained, needed, color=BLUE)
    at = int(new * 0.8)
    axis.annotate(
        f"computed: {computed[-1]:,} in the end", (at - 4, computed[at]), ha="right", color=AMBER
    )
    axis.annotate(
        f"needed: {needed[-1]:,}", (new * 0.985, computed[-1] * 0.03), ha="right", color=BLUE
    )
    axis.text(new * 0.82, computed[-1] * 0.3, "computed\nagain", ha="center", color=AMBER)
    axis.set_xlabel("new tokens")
    axis.set_ylabel("tokens computed, in all")
    axis.set_xlim(0, new)
    axis.set_ylim(0, None)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    save("total.svg")


def main() -> None:
    plt.rcParams.update(STYLE)
    steps = json.loads((HERE / "results" / "steps.json").read_text())
    step_time(steps)
    total(steps)


if __name__ == "__main__":
    main()
