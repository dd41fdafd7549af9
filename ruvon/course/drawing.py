"""Part 00 · Drawing: what the figures of all parts share, legible on light and dark pages."""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import NullFormatter

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


class Drawings:
    """The results and the figures of a part's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> dict[str, Any]:
        """The results called `name`."""
        file = self.folder / "results" / f"{name}.json"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def save(self, name: str) -> None:
        """Write the figure that is being drawn: the same bytes each time for the same results."""
        target = self.folder / "figures" / name
        target.parent.mkdir(exist_ok=True)
        plt.tight_layout()
        plt.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})
        plt.close()


def plain(axis: Axes) -> None:
    """Numbers on the axes as people write them."""
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def box(axis: Axes, x: float, y: float, width: float, title: str, below: str, color: str) -> None:
    """A rounded box with its lower left corner at (x, y), one unit high."""
    for face, alpha in ((color, 0.12), ("none", 1.0)):
        axis.add_patch(
            FancyBboxPatch(
                (x, y),
                width,
                1,
                boxstyle="round,pad=0,rounding_size=0.12",
                facecolor=face,
                edgecolor=color if face == "none" else "none",
                alpha=alpha,
                linewidth=1.2,
            )
        )
    axis.text(x + width / 2, y + 0.66, title, ha="center", va="center", size=9.5, color=color)
    axis.text(x + width / 2, y + 0.28, below, ha="center", va="center", size=7.5)
