"""Part 00 · The process that runs a learner's code: one line of JSON in, one out, for each check.

Run as a file: `python -P runner.py`. It imports torch once and nothing of Ruvon. For each request
it forks a child; only there `ruvon` is imported, and it is the learner's. The child has limits on
processor time and memory, and a clock on the wall that this process holds.
"""

import contextlib
import importlib.util
import json
import linecache
import os
import resource
import select
import signal
import sys
import time
import tomllib
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from types import FrameType
from types import ModuleType
from typing import Any

PRINTED = 4000  # characters of what a learner's code prints

# What Ruvon needs, so that each child has it at once.
for heavy in ("numpy", "safetensors.torch", "tiktoken", "torch"):
    importlib.import_module(heavy)


def serve() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run one check in a child, and see to it that the child ends."""
    report_end, report = os.pipe()
    printed_end, printed = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # nobody is there to answer an input()
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        for end in (report_end, printed_end):
            os.close(end)
        take(request, report)
        os._exit(0)
    for end in (report, printed):
        os.close(end)
    try:
        read, late = drain(report_end, printed_end, time.monotonic() + request["wall_seconds"])
    finally:  # also when this process is told to end
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # whatever it started, too
        _, status = os.waitpid(child, 0)
    said = read[printed_end].decode(errors="replace")
    try:
        found = json.loads(read[report_end])
    except ValueError:
        found = {"ended": "late" if late else ended(status)}
    return {**found, "printed": said[:PRINTED]}


def drain(report: int, printed: int, until: float) -> tuple[dict[int, bytes], bool]:
    """Read both pipes to their ends. -> what was read, and whether time ran out."""
    read = {report: b"", printed: b""}
    open_ends = set(read)
    while report in open_ends and (left := until - time.monotonic()) > 0:
        for end in select.select(list(open_ends), [], [], left)[0]:
            data = os.read(end, 65536)
            if not data:
                open_ends.discard(end)
            if end == report or len(read[end]) < 4 * PRINTED:
                read[end] += data
    late = report in open_ends
    while printed in open_ends and select.select([printed], [], [], 0)[0]:
        data = os.read(printed, 65536)
        if not data:
            break
        read[printed] += data
    for end in read:
        os.close(end)
    return read, late


def ended(status: int) -> str:
    """How a child ended that left no report."""
    if os.WIFSIGNALED(status):
        return "time" if os.WTERMSIG(status) == signal.SIGXCPU else "killed"
    return "exit"


def take(request: dict[str, Any], report: int) -> None:
    """In the child: import the learner's `ruvon`, run the check, and report."""
    checking = load("checking", request["checking"])
    exam = checking.Exam(request["part"], request["file"])
    edited = f"{request['part']}/{request['file']}"
    waited_for = codes(request)
    ran = dict.fromkeys(waited_for.values(), False)

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename == edited and frame.f_code in waited_for:
            ran[waited_for.pop(frame.f_code)] = True
            if not waited_for:
                sys.setprofile(None)  # it slows every call down

    def time_up(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # once is enough to say
        raise checking.TimeUp

    found: dict[str, Any]
    try:
        signal.signal(signal.SIGXCPU, time_up)
        set_limits(request["cpu_seconds"], request["memory_bytes"])
        sys.modules["torch"].set_num_threads(1)
        # Never a file of bytecode: what runs is compiled from the source that is there now.
        sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull
        sys.path.insert(0, request["part"])
        with exam.case(""):
            take_as_read(edited, request["source"])
            load("alone", request["alone"]).stand_alone(Path(request["part"]))
            read(request, exam)
            exam.cases -= 1
        if not exam.failures:
            script = load("check", request["check"])
            sys.setprofile(watch)
            try:
                with exam.case(""):  # what happens between the cases
                    script.check(exam)
                    exam.cases -= 1
            except checking.TimeUp:
                pass
            finally:
                sys.setprofile(None)
        found = {"cases": exam.cases, "failed": len(exam.failures), "failure": exam.smallest()}
    except checking.TimeUp:
        found = {"ended": "time"}
    except SystemExit:
        found = {"ended": "exit"}
    except BaseException:
        found = {"ended": "broken", "trace": traceback.format_exc()}
    found["ran"] = ran
    os.write(report, json.dumps(found).encode())


def set_limits(cpu_seconds: int, memory_bytes: int) -> None:
    """Limit this process. Memory counts what is allocated from now on."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = Path("/proc/self/status")
    if status.exists():  # elsewhere this limit is not kept by the system
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        most = int(lines["VmData"].split()[0]) * 1024 + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def take_as_read(path: str, source: str) -> None:
    """Let every import of `path` see the text that was read, and hashed, before."""
    at_hand = source.encode()
    linecache.cache[path] = (len(at_hand), None, source.splitlines(keepends=True), path)
    from_disk = SourceFileLoader.get_data

    def get_data(self: SourceFileLoader, name: str) -> bytes:
        return at_hand if name == path else from_disk(self, name)

    SourceFileLoader.get_data = get_data  # type: ignore[assignment]


def load(name: str, path: str) -> ModuleType:
    """The module in a file, or the package whose `__init__.py` it is, whatever sys.path says."""
    inner = [str(Path(path).parent)] if path.endswith("__init__.py") else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=inner)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def read(request: dict[str, Any], exam: Any) -> None:
    """Give the check what it looks at: the learner's answers, their tests, or the engine."""
    path = Path(request["part"], request["file"])
    if path.suffix == ".toml":
        exam.answers = tomllib.loads(request["source"])
    elif request["file"].startswith("ruvon/"):
        name = request["file"].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        where = Path(importlib.import_module(name).__file__ or "").resolve()
        assert where == path.resolve(), f"{name} came from {where}"
    else:
        exam.tests = vars(load("answer", str(path)))


def codes(request: dict[str, Any]) -> dict[CodeType, str]:
    """The code of each symbol, compiled from the text that the learner's file has.

    Code objects compare by what they do and where it stands. So what runs is what is in the file.
    """
    if request["file"].endswith(".toml"):
        return {}
    try:
        whole = compile(request["source"], f"{request['part']}/{request['file']}", "exec")
    except (SyntaxError, ValueError):
        return {}
    return {
        code: code.co_qualname for code in nested(whole) if code.co_qualname in request["symbols"]
    }


def nested(code: CodeType) -> list[CodeType]:
    """A code object, and all that are defined in it."""
    inner = [
        c for constant in code.co_consts if isinstance(constant, CodeType) for c in nested(constant)
    ]
    return [code, *inner]


if __name__ == "__main__":
    serve()
