"""Part 3 · What an engine asks of the system: threads, and memory given and taken back."""

import ctypes
import math
import platform
from pathlib import Path

import torch
from torch import Tensor

from ruvon.errors import RuvonError

# mallopt(3): the parameters' numbers in glibc, and the largest value it takes for the second.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST_MMAP_THRESHOLD = 32 << 20
# madvise(2), and mmap(2)'s pages.
MADV_DONTNEED, MADV_HUGEPAGE, PAGE = 4, 14, 4096
LARGE = 1 << 20  # bytes
# What a container may use: "quota period", or "max period".
CPU_SHARE = Path("/sys/fs/cgroup/cpu.max")


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
    if CPU_SHARE.exists():
        quota, period = CPU_SHARE.read_text().split()
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


def release(tensor: Tensor) -> None:
    """Let go of the memory of a large tensor that is mapped from a file: it stays on the disk.

    Of one that is not mapped, or small, nothing is done.
    """
    if tensor.nbytes >= LARGE and lies_in_file(tensor.data_ptr()):
        advise(tensor, MADV_DONTNEED)


def lies_in_file(address: int) -> bool:
    """Whether the kernel has a file behind an address, by its own list of mappings."""
    maps = Path("/proc/self/maps")
    for line in maps.read_text().splitlines() if maps.exists() else []:
        span, _, _, _, inode = line.split()[:5]
        first, last = (int(end, 16) for end in span.split("-"))
        if first <= address < last:
            return inode != "0"
    return False


def ask_huge_pages(tensor: Tensor) -> None:
    """Ask for pages of 2 MB for a tensor not yet written: fewer addresses to look up later."""
    advise(tensor, MADV_HUGEPAGE)


def advise(tensor: Tensor, advice: int) -> None:
    """Tell Linux about the whole pages of a tensor that lies in one piece."""
    if platform.system() != "Linux":
        return
    first = -(-tensor.data_ptr() // PAGE) * PAGE
    size = (tensor.data_ptr() + tensor.nbytes - first) // PAGE * PAGE
    if size > 0:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), advice)
