"""Part 3 · Kernels in C, compiled on the machine they run on. Chosen where they work, never needed.

PyTorch's operators serve every shape on every machine. A kernel that knows its one case, and is
compiled for the very processor it runs on, can be twice as fast there. The price is a compiler:
without one, or where it fails, NativeError says why, and the caller stays with PyTorch.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from ruvon.errors import RuvonError

SOURCE = "kernels.c"  # it includes the others
FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-Wno-psabi")
# Without it compilers halve the registers of AVX-512, for the sake of old processors.
WIDE = "-mprefer-vector-width=512"


POINTER, LONG, INT, FLOAT = ctypes.c_void_p, ctypes.c_long, ctypes.c_int, ctypes.c_float
# The arguments of each kernel, as its C source has them. The last one is how many threads.
ARGUMENTS = {
    "linear": [POINTER] * 5 + [LONG] * 3 + [INT] * 2,
    "attend": [POINTER] * 6 + [LONG] * 5 + [FLOAT, INT],
    "attend_rows": [POINTER] * 8 + [LONG] * 5 + [FLOAT, INT],  # part 8
}


class NativeError(RuvonError):
    """There are no kernels here: what is missing, and how to get it."""


def kernel(name: str, device: torch.device, dtype: torch.dtype) -> Callable[..., None]:
    """The kernel called `name` for one number format. Raises NativeError where there is none.

    The first call on a machine compiles them all, which takes some seconds.
    """
    if device.type != "cpu":
        raise NativeError(f"the C kernels are for the CPU, not for {device}")
    symbol = f"{name}_{str(dtype).removeprefix('torch.')}"
    if not hasattr(library(), symbol):
        raise NativeError(f"there is no C kernel for {dtype} on this machine")
    function = getattr(library(), symbol)
    function.argtypes, function.restype = ARGUMENTS[name], None
    return function  # type: ignore[no-any-return]


def has_kernel(name: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there is a kernel called `name` for this number format here."""
    try:
        kernel(name, device, dtype)
    except NativeError:
        return False
    return True


@cache
def say_once(message: str) -> None:
    """Tell the user one thing, once a process."""
    logging.getLogger("ruvon").warning(message)


def library() -> ctypes.CDLL:
    """The compiled kernels. Raises NativeError."""
    found = find_library()
    if isinstance(found, str):
        raise NativeError(found)
    return found


@cache
def find_library() -> ctypes.CDLL | str:
    """The compiled kernels, or why there are none. Looked for once a process."""
    try:
        compiler = find_compiler()
        folder = Path(__file__).parent
        flags = [*FLAGS, WIDE] if platform.machine() == "x86_64" else [*FLAGS]
        told = [*flags, compiler, torch.__version__, processor_features()]
        told += [source.read_text() for source in sorted(folder.glob("*.[ch]"))]
        key = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
        made = cache_folder() / f"kernels-{key}.so"
        if not made.exists():
            say_once("compiling the C kernels for this processor, once; it takes some seconds")
            compile_to(made, [compiler, *flags, str(folder / SOURCE), *thread_library(), "-lm"])
        return ctypes.CDLL(str(made))
    except (NativeError, OSError) as error:
        return str(error)


def find_compiler() -> str:
    """The path of a C compiler, $CC first. Raises NativeError."""
    if platform.system() != "Linux":
        raise NativeError("the C kernels are for Linux so far")
    for name in (os.environ.get("CC"), "gcc", "clang", "cc"):
        if name and (found := shutil.which(name)):
            return found
    raise NativeError("no C compiler is here; with gcc or clang installed, decoding is faster")


def compile_to(target: Path, command: list[str]) -> None:
    """Compile, and put the result in place whole: other processes may look for it at this time."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        try:
            done = subprocess.run(
                [*command, "-o", str(made)], capture_output=True, text=True, timeout=120
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NativeError(f"the C compiler cannot be run ({error})") from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "error" in line] or [""]
            raise NativeError(f"{command[0]} does not compile the kernels ({said[0].strip()})")
        made.replace(target)


def thread_library() -> list[str]:
    """PyTorch's own OpenMP: a second one would bring a second pool of threads for the cores."""
    return [str(path) for path in sorted(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))[:1]]


def processor_features() -> str:
    """What this processor can do: kernels compiled for one may not run on another."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    told = (line for line in lines if line.startswith(("flags", "Features", "model name")))
    return " ".join([platform.machine(), *sorted(set(told))])


def cache_folder() -> Path:
    """Where compiled kernels are kept between runs: the user's cache, or else a passing folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "ruvon"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="ruvon-"))
