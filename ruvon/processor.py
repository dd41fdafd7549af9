"""Part 3 · The processor's time and memory: how many threads, and what happens to freed blocks."""

import ctypes
import math
import platform
from pathlib import Path

import torch

from ruvon.errors import RuvonError

# mallopt(3): the parameters' numbers in glibc, and the largest value it takes for the second.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST_MMAP_THRESHOLD = 32 << 20


def use_processor(threads: int | None = None) -> None:
    """Compute with so many threads, None for as many as there are cores to run them.

    Also keeps freed memory with the process: a prompt's intermediate results are megabytes,
    and pages that go back to the kernel are cleared again before the next layer may have them.
    Raises RuvonError for a number that is no number of threads.
    """
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise RuvonError(f"threads must be at least 1, not {threads!r}")
    wanted = threads or min(torch.get_num_threads(), usable_cores())
    if wanted != torch.get_num_threads():
        torch.set_num_threads(wanted)
    keep_freed_memory()


def usable_cores() -> int:
    """How many cores this process may keep busy: a container's share may be less than it sees.

    A thread too many is worse than one too few: the others wait for it at the end of each
    operator.
    """
    share = Path("/sys/fs/cgroup/cpu.max")  # "quota period", or "max period"
    if share.exists():
        quota, period = share.read_text().split()
        if quota != "max":
            return max(1, math.floor(int(quota) / int(period)))
    return torch.get_num_threads()


def keep_freed_memory() -> None:
    """Ask glibc not to hand freed blocks back to the kernel. Elsewhere, do nothing."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(M_TOP_PAD, LARGEST_MMAP_THRESHOLD)
