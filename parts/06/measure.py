"""Part 6: the experiments behind the article's numbers. Writes results/*.json."""
# ruff: noqa: E402 (it chooses its stage before it imports, as a notebook does)

import argparse
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from ruvon.course import use

use(6)  # the engine as it is at Part 6

from evidence import crowd
from leaks import leaks
from pretended import STEP_SECONDS
from served import PATIENCE
from served import ask
from served import chunks
from served import health
from soak import BEGINNINGS
from soak import LENGTHS
from soak import soak

from ruvon import LLM
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.engine.backend import Request
from ruvon.engine.events import Event
from ruvon.sampling.params import SamplingParams

HERE = Path(__file__).parent
RESULTS = HERE / "results"
COMMAND = "python parts/06/measure.py"
PROMPT = "Once upon a time, there was a little girl named Lily. She"
SHORT = "One day"


def greedy(new: int) -> SamplingParams:
    return SamplingParams(max_tokens=new, temperature=0, ignore_eos=True)


# A short request behind a long one


def run(llm: LLM, arrivals: dict[int, list[tuple[str, str, int]]]) -> list[Event]:
    """Drive an engine. `arrivals`: before which step who comes: (id, prompt, new). -> its events"""
    told: list[Event] = []
    engine = llm.new_engine(told.append)
    while engine.busy or any(step >= engine.steps for step in arrivals):
        for id, prompt, new in arrivals.get(engine.steps, []):
            engine.add(Request(id, tuple(llm.encode(prompt)), greedy(new)))
        engine.step()
    return told


def first_of(told: list[Event], id: str) -> tuple[float, int]:
    """-> seconds from a request's arrival to its first token, and the steps until then."""
    mine = [event for event in told if event.request == id]
    came = next(event for event in mine if event.kind == "queued")
    first = next(event for event in mine if event.kind == "computed" and event.numbers["new"])
    return first.time - came.time, first.step + 1 - came.step


def behind(llm: LLM, lengths: list[int], repeats: int) -> dict:
    """A short request that comes after the first step of a long one, and the same one alone."""
    samples: dict[str, list[float]] = {str(n): [] for n in (0, *lengths)}
    step: list[float] = []
    steps: dict[str, int] = {}
    for repeat in range(repeats + 1):
        for n in (0, *lengths):
            long = {0: [("long", PROMPT, n)]} if n else {}
            told = run(llm, {**long, 1 if n else 0: [("short", SHORT, 1)]})
            seconds, waited = first_of(told, "short")
            steps[str(n)] = waited
            if repeat:  # the first warms up
                samples[str(n)].append(seconds)
            if repeat and n == lengths[-1]:
                ends = [e.time for e in told if e.kind == "computed" and e.request == "long"]
                step.append(statistics.median(b - a for a, b in pairwise(ends)))
    alone, each = statistics.median(samples["0"]), statistics.median(step)
    middle = {n: statistics.median(taken) for n, taken in samples.items()}
    return {
        "lengths": lengths,
        "steps": steps,
        "seconds": middle,
        "step_seconds": each,
        "formula": {str(n): (n - 1) * each + alone for n in lengths},
        "longest": {
            "tokens": lengths[-1],
            "seconds": middle[str(lengths[-1])],
            "steps": steps[str(lengths[-1])],
        },
        "alone": alone,
        "samples": samples,
        "step_samples": step,
    }


def timeline(llm: LLM) -> dict:
    """One long request and four short ones that come while it runs: all events, in milliseconds."""
    arrivals = {
        0: [("long", PROMPT, 120)],
        10: [("A", SHORT, 8)],
        30: [("B", "The cat sat on", 8)],
        50: [("C", "It was raining, and Ben", 8)],
        70: [("D", "In the forest", 8)],
    }
    run(llm, arrivals)
    told = run(llm, arrivals)
    begun = told[0].time
    events = [
        {
            "kind": event.kind,
            "ms": round(1e3 * (event.time - begun), 3),
            "step": event.step,
            "request": event.request,
            **event.numbers,
        }
        for event in told
        if event.kind != "step"
    ]
    waits = {id: first_of(told, id) for id in ("A", "B", "C", "D")}
    return {
        "requests": {id: n for some in arrivals.values() for id, _, n in some},
        "steps": max(event.step for event in told),
        "first_steps": {id: steps for id, (_, steps) in waits.items()},
        "first_seconds": {id: seconds for id, (seconds, _) in waits.items()},
        "events": events,
    }


# What the engine costs


def a_step(llm: LLM, tokens: int) -> float:
    """Seconds from one increment to the next: the median of a run, which a pause does not move."""
    times = []
    for _ in llm.increments([llm.encode(PROMPT)], [greedy(tokens)]):
        times.append(time.perf_counter())
    assert len(times) == tokens
    return statistics.median(after - before for before, after in pairwise(times))


def overhead(name: str, tokens: int, repeats: int) -> dict:
    """The loop of Part 2 and the engine, in turns, over the same weights."""
    keywords = {"device": "cpu", "dtype": "float32", "threads": 1}
    ways = {way: LLM(name, strategy=way, **keywords) for way in ("direct", "sequential")}
    ways["sequential"].model = ways["direct"].model
    samples: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats + 1):
        order = list(ways) if repeat % 2 else list(reversed(ways))
        for way in order:
            taken = a_step(ways[way], tokens)
            if repeat:
                samples[way].append(taken)
    pairs = zip(samples["sequential"], samples["direct"], strict=True)
    differences = [engine - loop for engine, loop in pairs]
    return {
        "tokens": tokens,
        "loop": statistics.median(samples["direct"]),
        "engine": statistics.median(samples["sequential"]),
        "adds": statistics.median(differences),
        # A quarter of the pairs lies below the first, and a quarter above the second.
        "quarters": statistics.quantiles(differences, n=4)[::2],
        "differences": differences,
        "samples": samples,
    }


@contextmanager
def process(*words: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own. -> its port, when it listens, and its process id."""
    command = [sys.executable, "-P", *words]
    running = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        for line in running.stdout:
            if found := re.search(r"^(\d+)$|running on http://[\d.]+:(\d+)", line):
                break
        else:
            raise AssertionError(f"the server ended with {running.wait()}")
        threading.Thread(target=running.stdout.read).start()  # or a full pipe would stop it
        yield int(found[1] or found[2]), running.pid
    finally:
        running.terminate()
        running.wait(PATIENCE)


def story(strategy: str) -> list[str]:
    """The command, with one thread that computes: the other core is the loop's and the client's."""
    model = ["story", "--dtype", "float32", "--device", "cpu", "--threads", "1"]
    return ["-m", "ruvon.server", *model, "--strategy", strategy, "--port", "0"]


def cpu_seconds(pid: int) -> float:
    """What a process and its threads have used of the processor. On Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """The memory that a process has, in bytes. On Linux only."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def chunk(tokens: int, repeats: int) -> dict:
    """A chunk over HTTP where a step is a sleep, with each backend: its time, and the CPU's."""
    ways = ("direct", "engine")
    wall: dict[str, list[float]] = {way: [] for way in ways}
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    script = str(HERE / "pretended.py")
    with process(script, "direct") as direct, process(script, "engine") as engine:
        for repeat in range(repeats + 1):
            for way, (port, pid) in zip(ways, (direct, engine), strict=True):
                before, began = cpu_seconds(pid), 0.0
                answer = ask(port, prompt="the", max_tokens=tokens, stream=True)
                for number, _ in enumerate(chunks(answer)):
                    if not number:
                        began = time.perf_counter()
                seconds = time.perf_counter() - began
                if repeat:
                    wall[way].append(seconds / (tokens - 1))
                    cpu[way].append((cpu_seconds(pid) - before) / tokens)
    slept = []
    for _ in range(200):
        began = time.perf_counter()
        time.sleep(STEP_SECONDS)
        slept.append(time.perf_counter() - began)
    return {
        "tokens": tokens,
        "step": STEP_SECONDS,
        "slept": statistics.median(slept),
        "wall": {way: statistics.median(taken) for way, taken in wall.items()},
        "cpu": {way: statistics.median(taken) for way, taken in cpu.items()},
        "samples": {"wall": wall, "cpu": cpu},
    }


def idle(seconds: float) -> dict:
    """What a server that has nothing to do takes of the processor."""
    found = {}
    for strategy in ("direct", "sequential"):
        with process(*story(strategy)) as (port, pid):
            assert list(chunks(ask(port, prompt=PROMPT, max_tokens=4, stream=True)))
            time.sleep(1)  # what follows a request has ended
            before = cpu_seconds(pid)
            time.sleep(seconds)
            found[strategy] = cpu_seconds(pid) - before
    return {"seconds": seconds, "cpu": found}


# Thirty clients


def thirty(llm: LLM, clients: int, seconds: float) -> dict:
    """Clients that ask without a pause, and compare what they get with what a lone run gave."""
    known = {
        (prompt, most): llm.generate(prompt, greedy(most))[0].outputs[0].text
        for prompt in BEGINNINGS
        for most in LENGTHS
    }
    with process(*story("sequential")) as (port, pid):
        soak(port, clients, 1, known)
        memory, began = resident(pid), time.perf_counter()
        all_of_them = soak(port, clients, seconds, known)
        took = time.perf_counter() - began
        grown, after = resident(pid) - memory, health(port)
    seen = {
        kind: sum(one.seen[kind] for one in all_of_them) for kind in ("whole", "streamed", "leaves")
    }
    waits = sorted(wait for one in all_of_them for wait in one.waits)
    tokens = sum(one.tokens for one in all_of_them)
    errors = [error for one in all_of_them for error in one.errors]
    return {
        "clients": clients,
        "seconds": took,
        "requests": sum(seen.values()),
        "kinds": seen,
        "least": min(sum(one.seen.values()) for one in all_of_them),
        "errors": len(errors),
        "first_errors": errors[:10],
        "tokens": tokens,
        "tokens_a_second": tokens / took,
        "first_text": {"median": statistics.median(waits), "most": waits[-1]},
        "memory_grown": grown,
        "health_after": {"status": after[0], **after[1]},
        "waits": [round(wait, 3) for wait in waits],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--requests", type=int, default=100_000, help="of `leaks`")
    parser.add_argument("--seconds", type=float, default=60, help="of `soak`")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="of the results files")
    chosen = parser.parse_args()
    repeats = chosen.repeats
    begun = time.perf_counter()

    def write(name: str, values: Callable[[], dict]) -> None:
        if chosen.only and name not in chosen.only:
            return
        save(RESULTS / f"{name}.json", record(COMMAND, values(), seed=0))
        print(f"{name}.json  {time.perf_counter() - begun:.0f} s", flush=True)

    llm = LLM("story", device="cpu", dtype="float32", threads=1)
    write("crowd", lambda: crowd(LLM("story", device="cpu", dtype="float32", threads=1)))
    write("timeline", lambda: timeline(llm))
    write("behind", lambda: behind(llm, [16, 64, 256, 480], repeats))
    write(
        "overhead",
        lambda: {name: overhead(name, 200, 3 * repeats) for name in ("story-nano", "story")},
    )
    write("chunk", lambda: chunk(500, repeats))
    write("idle", lambda: idle(20))
    write("soak", lambda: thirty(llm, 30, chosen.seconds))
    write("leaks", lambda: leaks(chosen.requests))


if __name__ == "__main__":
    main()
