"""Part 7 · How much memory a cache may take."""

import os
from pathlib import Path

import torch

# What a container may use, and what it uses.
CGROUP = Path("/sys/fs/cgroup")


def cache_bytes(device: torch.device) -> int:
    """What a cache may take: a quarter of the memory that is free, half of it on a GPU."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return free_bytes() // 4


def free_bytes() -> int:
    """Memory that this process could still have: of the machine, or less in a container."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        told = dict(line.split(":") for line in meminfo.read_text().splitlines())
        free = 1024 * int(told["MemAvailable"].split()[0])
    limit, used = CGROUP / "memory.max", CGROUP / "memory.current"
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        free = min(free, int(most) - int(used.read_text()))
    return max(0, free)
