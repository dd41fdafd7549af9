"""Part 3 · A measurement that can be trusted later: raw samples, and where they come from."""

import json
import platform
import sys
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from ruvon.version import __version__


def record(command: str, values: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
    """Values with the command, date, versions and machine that they come from."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {
            "ruvon": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "machine": {
            "processor": processor(),
            "threads": torch.get_num_threads(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "seed": seed,
        **values,
    }


def save(path: Path, data: dict[str, Any]) -> None:
    """Write a results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def processor() -> str:
    """The processor's name, with the matrix instructions that decide its speed."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        text = cpuinfo.read_text()
        names = [
            line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line
        ]
        flags = [flag for flag in ("avx2", "avx512f", "amx_bf16") if flag in text]
        name = f"{names[0] if names else name} ({', '.join(flags)})"
    elif sys.platform == "darwin":
        name = f"Apple {platform.machine()}"
    return name
