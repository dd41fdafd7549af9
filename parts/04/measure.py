"""Part 4: the experiments behind the article's numbers. Writes results/*.json."""
# ruff: noqa: E402 (it chooses its stage before it imports, as a notebook does)

import argparse
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruvon.course import use

use(4)  # the server as it is at Part 4, whose texts are greedy

from evidence import LEAVES_AT
from evidence import PROMPT
from evidence import Traced
from evidence import walk
from joined import joined
from layers import direct
from layers import generator
from layers import http
from layers import through_the_app
from layers import writing
from served import PATIENCE
from served import Served
from served import as_bytes
from served import ask
from served import free
from served import leave
from served import pieces

from ruvon import LLM
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.sampling.params import SamplingParams

HERE = Path(__file__).parent
RESULTS = HERE / "results"
COMMAND = "python parts/04/measure.py"


@contextmanager
def process(*words: str) -> Iterator[int]:
    """A server in a process of its own. -> its port, when it listens."""
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
        yield int(found[1] or found[2])
    finally:
        running.terminate()
        running.wait(PATIENCE)


def story() -> list[str]:
    """The command, with one thread that computes: the other core is the loop's and the client's."""
    model = ["story", "--dtype", "float32", "--device", "cpu", "--threads", "1"]
    return ["-m", "ruvon.server", *model, "--port", "0"]


# Whole and streamed


def streamed(port: int, tokens: int) -> tuple[float, float]:
    """-> seconds to the first text, and to the last."""
    began = time.perf_counter()
    answer = ask(port, prompt=PROMPT, max_tokens=tokens, ignore_eos=True, stream=True)
    times = [at - began for at, _, _ in pieces(answer)]
    return times[0], times[-1]


def whole(port: int, tokens: int) -> float:
    """-> seconds to the first byte of an answer that comes at once; it has come whole then."""
    began = time.perf_counter()
    answer = ask(port, prompt=PROMPT, max_tokens=tokens, ignore_eos=True)
    seconds = time.perf_counter() - began
    answer.read()
    return seconds


def first(lengths: list[int], repeats: int) -> dict:
    """The time to the first text, against the length of the answer."""
    samples: dict[str, dict[str, list[float]]] = {}
    with process(*story()) as port:
        streamed(port, 64)
        for _ in range(repeats):
            for tokens in lengths:
                sample = samples.setdefault(str(tokens), {"first": [], "last": [], "whole": []})
                begun, ended = streamed(port, tokens)
                sample["first"].append(begun)
                sample["last"].append(ended)
                sample["whole"].append(whole(port, tokens))
    longest = samples[str(lengths[-1])]
    return {
        "lengths": lengths,
        "at": samples,
        "longest": {"tokens": lengths[-1]}
        | {name: statistics.median(taken) for name, taken in longest.items()},
    }


# What a chunk costs


def cost(llm: LLM, chunks: int, tokens: int, repeats: int) -> dict:
    """Microseconds a chunk, layer by layer; and a token of the story, beside it."""
    assert llm.tokenizer is not None
    ways: dict[str, list[float]] = {
        name: [] for name in ("generator", "json", "direct", "app", "http")
    }
    own: list[float] = []
    served_story: list[float] = []
    empty = Served(free, llm.tokenizer)
    with process(str(HERE / "served.py")) as free_port, process(*story()) as story_port:
        for repeat in range(repeats + 1):
            _, size = http(chunks, free_port)
            taken = {
                "generator": generator(chunks),
                "json": writing(chunks),
                "direct": direct(chunks),
                "app": through_the_app(chunks, empty),
                "http": http(chunks, free_port)[0],
            }
            began, times = time.perf_counter(), []
            params = SamplingParams(max_tokens=tokens, ignore_eos=True)
            for _ in llm.run(llm.encode(PROMPT), params):
                times.append(time.perf_counter() - began)
            came = streamed(story_port, tokens)
            if repeat:  # the first warms up
                for name, seconds in taken.items():
                    ways[name].append(seconds / chunks)
                own.append((times[-1] - times[0]) / (tokens - 1))
                served_story.append((came[1] - came[0]) / (tokens - 1))
    empty.socket.close()
    empty.backend.close()
    middle = {name: statistics.median(taken) for name, taken in ways.items()}
    return {
        "chunks": chunks,
        "tokens": tokens,
        "seconds": middle,
        "adds": {
            "thread": middle["direct"] - middle["generator"],
            "app": middle["app"] - middle["direct"],
            "socket": middle["http"] - middle["app"],
        },
        "a_second": 1 / middle["http"],
        "bytes_a_chunk": size / chunks,
        "text_bytes": len(" the"),
        "own": own,
        "served": served_story,
        "share": middle["http"] / statistics.median(own),
        "formula": middle["http"] + statistics.median(own),
        "samples": ways,
    }


# Several clients


def together(port: int, clients: int, tokens: int) -> list[dict[str, float]]:
    """Clients that ask at once. -> when each had its first and its last text, in that order."""
    start = threading.Barrier(clients + 1)
    came: list[dict[str, float]] = []

    def client() -> None:
        start.wait(PATIENCE)
        answer = ask(port, prompt=PROMPT, max_tokens=tokens, ignore_eos=True, stream=True)
        times = [at - began for at, _, _ in pieces(answer)]
        came.append({"first": times[0], "last": times[-1]})

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    start.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    return sorted(came, key=lambda one: one["first"])


def several(numbers: list[int], tokens: int, repeats: int) -> dict:
    """How long the last of several clients waits for its first text."""
    runs: dict[str, list[list[dict[str, float]]]] = {str(n): [] for n in numbers}
    with process(*story()) as port:
        together(port, 1, tokens)
        for _ in range(repeats):
            for n in numbers:
                runs[str(n)].append(together(port, n, tokens))
    alone = runs["1"]
    answer = statistics.median(run[0]["last"] for run in alone)
    begins = statistics.median(run[0]["first"] for run in alone)
    return {
        "tokens": tokens,
        "clients": numbers,
        "first_of_last": {
            n: statistics.median(run[-1]["first"] for run in taken) for n, taken in runs.items()
        },
        "one_answer": answer,
        "formula": {str(n): (n - 1) * answer + begins for n in numbers},
        "samples": runs,
    }


# Who leaves


def gone(llm: LLM, repeats: int, tokens: int, after: int) -> dict:
    """Steps that began after a client had closed its connection."""
    assert llm.tokenizer is not None
    traced = Traced(llm, strict=False)
    found: dict[str, list[int]] = {"streamed": [], "whole": []}
    with Served(traced.run, llm.tokenizer) as served:
        for _ in range(repeats):
            for way in found:
                traced.log.clear()
                traced.ended.clear()
                traced.began, traced.steps = threading.Semaphore(0), 0
                stream = way == "streamed"
                body = {"prompt": PROMPT, "max_tokens": tokens, "stream": stream}
                if stream:
                    answer = ask(served.port, **body)
                    came = pieces(answer)
                    for _ in range(after):
                        next(came)
                    leave(answer)
                else:
                    with socket.create_connection(("127.0.0.1", served.port)) as connection:
                        connection.sendall(as_bytes(**body))
                        for _ in range(after):
                            assert traced.began.acquire(timeout=PATIENCE)
                closed = time.perf_counter()
                assert traced.ended.wait(PATIENCE)
                begun = [at for at, _, what in traced.log if what.endswith("begins")]
                found[way].append(sum(at > closed for at in begun))
    return {
        "tokens": tokens,
        "after": after,
        "repeats": repeats,
        "most": {way: max(counts) for way, counts in found.items()},
        "steps_after": found,
    }


def slow(llm: LLM, prompts: int, tokens: int) -> dict:
    """A client that reads nothing of a very long answer, and another one who asks beside it."""
    assert llm.tokenizer is not None
    with Served(free, llm.tokenizer) as served:
        answer = ask(served.port, prompt=["a"] * prompts, max_tokens=tokens, stream=True)
        before, stalled = -1, 0
        while stalled != before:
            before = stalled
            time.sleep(2)
            stalled = served.backend.progress().steps
        got = threading.Event()

        def other() -> None:
            ask(served.port, prompt="b", max_tokens=1).read()
            got.set()

        threading.Thread(target=other).start()
        answered = got.wait(2)
        leave(answer)
        assert got.wait(PATIENCE), "when the first one has left, the second has its turn"
    return {"chunks": prompts * tokens, "stalled_at": stalled, "other_answered": answered}


def timeline(llm: LLM) -> dict:
    """One request, as it was: who did what, in milliseconds since the client asked."""
    walk(llm, strict=False)  # a warm-up
    traced = walk(llm, strict=False)
    while traced.steps != LEAVES_AT + 1:  # seldom it leaves before the sixth step has begun
        traced = walk(llm, strict=False)
    began = traced.log[0][0]
    events = [
        {"ms": round(1e3 * (at - began), 4), "who": who, "what": what}
        for at, who, what in sorted(traced.log)
    ]
    return {"steps": traced.steps, "leaves_at": LEAVES_AT, "events": events}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
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
    write("walk", lambda: timeline(llm))
    write("first", lambda: first([16, 64, 256, 480], repeats))
    write("cost", lambda: cost(llm, 2000, 256, repeats))
    write("clients", lambda: several([1, 2, 4], 64, repeats))
    write("gone", lambda: gone(llm, 4 * repeats, 256, LEAVES_AT))
    write("slow", lambda: slow(llm, 500, 200))
    write("joined", lambda: joined(10_000))


if __name__ == "__main__":
    main()
