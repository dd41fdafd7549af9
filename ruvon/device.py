"""Part 1 · Which device computes, and in which number format."""

import torch

from ruvon.errors import RuvonError

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def available_devices() -> list[str]:
    """The kinds of device that torch can compute on here, the fastest first."""
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.insert(0, "mps")
    if torch.cuda.is_available():
        found.insert(0, "cuda")
    return found


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` takes the fastest. Raises RuvonError for one that is absent.

    A number may follow `cuda`, as in `cuda:1`.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    kind, colon, number = name.partition(":")
    numbered = kind == "cuda" and number.isdecimal()
    if kind not in ("cpu", "cuda", "mps") or (colon and not numbered):
        raise RuvonError(f"device {name!r} is not one of auto, cpu, cuda, mps")
    if kind not in available:
        raise RuvonError(
            f"device {name!r} is not on this machine; here are: {', '.join(available)}"
        )
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise RuvonError(f"device {name!r}: this machine has {torch.cuda.device_count()} GPU(s)")
    return torch.device(name)


def has_bf16_instructions() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 in hardware."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def pick_dtype(name: str | None, device: torch.device) -> torch.dtype:
    """The number format called `name`; None takes the best that the device computes fast."""
    if name is None or name == "auto":
        if device.type == "cpu" and not has_bf16_instructions():
            return torch.float32
        return torch.bfloat16 if device.type != "mps" else torch.float16
    if name not in DTYPES:
        raise RuvonError(f"dtype {name!r} is not one of auto, {', '.join(DTYPES)}")
    return DTYPES[name]
