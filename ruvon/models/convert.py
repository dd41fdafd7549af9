"""Part 1 · From a pickle to safetensors, in a process of its own.

A pickle can run code when it is opened. `torch.load(weights_only=True)` admits tensors only,
and this module runs apart from the process that asked for it.
"""

import subprocess
import sys
from pathlib import Path

from ruvon.errors import RuvonError


def convert(folder: Path) -> Path:
    """Write `model.safetensors` beside the pickle(s) of `folder`. -> the new file.

    Raises RuvonError when there is nothing to convert, or the target exists.
    """
    if not folder.is_dir():
        raise RuvonError(f"{folder}: no such folder")
    target = folder / "model.safetensors"
    if not any(folder.glob("pytorch_model*.bin")):
        raise RuvonError(f"{folder}: no pytorch_model*.bin to convert")
    if target.exists():
        raise RuvonError(f"{target} exists already; move it away to convert again")
    command = [sys.executable, "-P", "-m", "ruvon.models.convert", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message"
        raise RuvonError(f"{folder}: cannot convert ({reason})")
    return target


def work(folder: str) -> None:
    """The part that runs apart: read tensors only, write them, nothing else."""
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(Path(folder).glob("pytorch_model*.bin")):
        loaded = torch.load(file, map_location="cpu", weights_only=True)
        tensors.update({name: t for name, t in loaded.items() if isinstance(t, torch.Tensor)})
    if not tensors:
        raise SystemExit("no tensors in it")
    # Tied tensors share memory, which safetensors refuses: the head is dropped, config ties it.
    seen: set[tuple[int, torch.Size]] = set()
    kept = {}
    for name, tensor in tensors.items():
        place = (tensor.data_ptr(), tensor.shape)
        if place not in seen:
            seen.add(place)
            kept[name] = tensor.contiguous()
    target = Path(folder) / "model.safetensors"
    partial = target.with_suffix(".partial")
    save_file(kept, partial, metadata={"format": "pt"})
    partial.replace(target)


if __name__ == "__main__":
    work(sys.argv[1])
