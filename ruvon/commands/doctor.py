"""Part 1 · `ruvon doctor`: what this machine offers, and what a model will need of it."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from ruvon.commands.options import DTYPE

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "triton", "safetensors", "tiktoken", "transformers", "huggingface-hub")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    model: str = typer.Argument(None, help="Also show what this model needs."),
    device: str = typer.Option("auto", "--device", help="Check this device instead of the best."),
    dtype: str = DTYPE,
) -> None:
    """Show what this machine offers; with MODEL, the bytes it will take here."""
    import torch

    from ruvon.device import available_devices
    from ruvon.device import pick_device
    from ruvon.device import pick_dtype
    from ruvon.version import __version__

    where = pick_device(device)
    form = pick_dtype(dtype, where)
    rows = {
        "ruvon": f"{__version__} with Python {platform.python_version()} on {platform.machine()}",
        "packages": ", ".join(f"{name} {installed(name)}" for name in PACKAGES),
        "devices": f"{', '.join(available_devices())}; {device} picks {where}",
        "dtype": f"{short(form)}, the default on {where.type}" if dtype is None else short(form),
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} cores",
        "kernels": kernels_here(),  # part 3
        "free memory": f"{free_memory() / 1e9:.1f} GB",
        "parts": parts_here(),
    }
    show("this machine", rows)
    if model is not None:
        show(model, dict(needs(model, form)))


def needs(model: str, form: "torch.dtype") -> Iterator[tuple[str, str]]:
    """The bytes that a model takes, from its config and the headers of its files alone."""
    from ruvon.memory.contiguous import bytes_per_token  # part 3
    from ruvon.models import read_shape
    from ruvon.zoo import locate

    folder = locate(model)
    config = read_shape(folder)
    yield "folder", str(folder)
    yield "shape", f"{len(config.layers)} layers, context {config.n_positions:,} tokens"
    yield "weights", f"{weight_bytes(folder, form):,} bytes in {short(form)}"
    token = bytes_per_token(config.layers, form)  # part 3
    full = token * config.n_positions  # part 3
    yield "cache", f"{token:,} bytes a token, {full:,} a full context"  # part 3


def weight_bytes(folder: Path, form: "torch.dtype") -> int:
    """The bytes of all weights, once loaded in this number format."""
    from ruvon.models.weights import Checkpoint

    return Checkpoint(folder).numbers() * form.itemsize


def show(title: str, rows: dict[str, str]) -> None:
    """Print names and values in two columns."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, show_header=False
    )
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table)


def installed(package: str) -> str:
    """The version of a package, or a dash."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


def short(form: "torch.dtype") -> str:
    """The name of a number format."""
    return str(form).removeprefix("torch.")


def kernels_here() -> str:  # part 3
    """Whether the C kernels are compiled here, or why not."""
    from ruvon.native import NativeError
    from ruvon.native import library

    try:
        library()
    except NativeError as error:
        return f"PyTorch's alone: {error}"
    return "compiled for this processor"


def free_memory() -> int:
    """Bytes that a process can still take, by the kernel's own estimate and the cgroup's limit."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = meminfo.read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        free = min(free, int(most) - int(used.read_text()))
    return free


def parts_here() -> str:
    """Which parts of the course this package holds. All of them run on a CPU."""
    from ruvon.course.manifest import ManifestError
    from ruvon.course.manifest import load_manifest

    try:
        done = [part.number for part in load_manifest() if part.status == "landed"]
    except ManifestError:
        return "no checkout of the course here: the package alone"
    return f"{', '.join(f'{number:02}' for number in done)} run here: make part-NN"
