"""Part 10: the experiments behind the article's numbers. Writes results/*.json."""
# ruff: noqa: E402 (it chooses its stage before it imports, as a notebook does)

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruvon.course import use

use(10)

import torch
from evidence import equality
from evidence import off_by_one
from evidence import tempered
from scoring import mean
from scoring import of_ending
from scoring import perplexity
from scoring import ranks
from scoring import scores
from scoring import shuffled
from scoring import total
from texts import ENDINGS
from texts import SENTENCE
from texts import STORIES
from torch import Tensor

from ruvon import LLM
from ruvon.bench.floor import measure_machine
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.bench.single import random_prompt
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.strategies import Options
from ruvon.engine.strategies import sequential
from ruvon.engine.text import Text
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.sampling.greedy import Row
from ruvon.sampling.logprobs import CHUNK
from ruvon.sampling.logprobs import score
from ruvon.sampling.logprobs import score_prompt
from ruvon.sampling.logprobs import with_logprobs
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import stochastic
from ruvon.zoo import locate

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results"
COMMAND = "python parts/10/measure.py"
CPU = torch.device("cpu")
VOCABULARIES = {"story": 2048, "gpt2": 50_257}
ROWS = [1, 8, 64]
ASKED = {"none": None, "0": 0, "5": 5, "20": 20}
LENGTHS = [256, 512, 1024]
WIDTH = 768  # of GPT-2 124M
RUNS = 3  # of what differs from process to process
# Scoring a prompt: by chunks, by chunks where glibc maps and returns every block of a megabyte and
# more, whatever was freed before, and all rows at once.
WAYS: dict[str, dict[str, str]] = {
    "chunked": {},
    "returned": {"MALLOC_MMAP_THRESHOLD_": str(2**20)},
    "at_once": {},
}


def interleaved(ways: dict[str, Callable[[], object]], least: int) -> dict[str, list[float]]:
    """Time each way in turns, the quick ones more often. -> seconds of each call, after one."""
    samples: dict[str, list[float]] = {name: [] for name in ways}
    rounds, done = least, -1  # the first round warms up
    while done < rounds:
        for name, work in ways.items():
            started = time.perf_counter()
            work()
            samples[name].append(time.perf_counter() - started)
        if done < 0:
            slowest = max(taken[0] for taken in samples.values())
            rounds = max(least, min(40 * least, int(0.2 * least / slowest)))
        done += 1
    return {name: [round(s, 7) for s in taken[1:]] for name, taken in samples.items()}


def sentence(llm: LLM) -> dict:
    """A sentence, token by token: what the figure shows."""
    scored = scores(llm, SENTENCE, llm.model.vocabulary)
    places = ranks(llm, scored)
    first = llm.tokenizer.decode(llm.encode(SENTENCE)[:1])
    tokens = [
        {
            "text": llm.tokenizer.decode([one.id]),
            "logprob": one.logprob,
            "rank": place,
            "best": llm.tokenizer.decode([one.top[0][0]]),
            "best_logprob": one.top[0][1],
        }
        for one, place in zip(scored, places, strict=True)
    ]
    whole = {"sum": total(scored), "perplexity": perplexity(scored), "count": len(scored)}
    return {"first": first, "tokens": tokens, **whole}


def equal(llm: LLM) -> dict:
    """Against transformers' own forward pass and log-softmax."""
    from transformers import GPT2LMHeadModel

    oracle = GPT2LMHeadModel.from_pretrained(locate("story"), dtype=torch.float32).eval()

    @torch.inference_mode()
    def log_softmax(ids: list[int]) -> Tensor:
        return oracle(torch.tensor([ids])).logits[0].log_softmax(dim=-1)

    return equality(llm, log_softmax)


def texts(llm: LLM, orders: int = 5) -> dict:
    """Stories, their words in other orders, and what the planted faults make of both."""
    rows = []
    for text in STORIES:
        ids = llm.encode(text)
        mixed = [shuffled(text, seed) for seed in range(orders)]
        rows.append(
            {
                "tokens": len(ids) - 1,
                "perplexity": perplexity(scores(llm, text)),
                "shuffled": [perplexity(scores(llm, one)) for one in mixed],
                "off_by_one": perplexity(off_by_one(llm, ids)),
                "tempered": perplexity(tempered(llm, ids, 0.5)),
            }
        )
    endings = [
        [[by(of_ending(llm, beginning, one)) for one in several] for by in (total, mean)]
        for beginning, several in ENDINGS
    ]
    middle = {
        name: statistics.median(row[name] for row in rows)
        for name in ("perplexity", "off_by_one", "tempered")
    }
    lowest = min(min(row["shuffled"]) for row in rows)
    return {
        "vocabulary": llm.model.vocabulary,
        "stories": rows,
        "orders": orders,
        "median": middle
        | {"shuffled": statistics.median(p for row in rows for p in row["shuffled"])},
        "lowest_shuffled": lowest,
        "highest": max(row["perplexity"] for row in rows),
        "endings": endings,
    }


def cost(least: int) -> dict:
    """One step's sampling, and the same with scores read as numbers, for synthetic logits."""
    found: dict = {}
    for name, vocabulary in VOCABULARIES.items():
        for count in ROWS:
            logits = 4 * torch.randn(count, vocabulary, generator=torch.manual_seed(0))
            ways = {}
            drawn = SamplingParams(temperature=1.0, top_p=0.9, seed=1)
            asked = {name: SamplingParams(logprobs=most) for name, most in ASKED.items()}
            for how, params in (asked | {"drawn": drawn}).items():
                rows = [Row(params, [1], prompt=1)] * count
                ways[how] = lambda logits=logits, rows=rows: sampled(logits, rows)
            samples = interleaved(ways, least)
            machine = measure_machine(CPU, torch.float32, logits.nbytes)
            middle = {way: statistics.median(taken) for way, taken in samples.items()}
            found.setdefault(name, {})[f"rows_{count}"] = {
                "vocabulary": vocabulary,
                "bytes": logits.nbytes,
                "floor": logits.nbytes / machine.bandwidth,
                "bandwidth": machine.bandwidth,
                "median": middle,
                "added": {most: middle[most] - middle["none"] for most in ("0", "5", "20")},
                "samples": samples,
            }
    return found


@torch.inference_mode()
def sampled(logits: Tensor, rows: list[Row]) -> object:
    """What the engine does with the logits of a step: choose, score, and read."""
    made = with_logprobs(stochastic)(logits, rows)
    return made.ids.tolist(), made.logprobs and made.logprobs.read()


def prompts(least: int) -> dict:
    """A whole prompt through the engine, of GPT-2's shape, scored and not."""
    model = GPT2(GPT2Config(), RandomLoader(torch.float32, CPU))
    found: dict = {"lengths": LENGTHS, "chunk": CHUNK}
    for length in LENGTHS:
        known = random_prompt(model, length, seed=0)

        def run(most: int | None, known: list[int] = known, length: int = length) -> None:
            scheduler, runner = sequential(model, Options(length))
            engine = Engine(scheduler, runner, lambda params: Text(None), context=length)
            params = SamplingParams(max_tokens=1, prompt_logprobs=most, ignore_eos=True)
            engine.add(Request("one", tuple(known), params))
            engine.step()
            assert not engine.busy

        samples = interleaved({"plain": lambda: run(None), "scored": lambda: run(0)}, least)
        middle = {way: statistics.median(taken) for way, taken in samples.items()}
        head = 2 * length * WIDTH * VOCABULARIES["gpt2"]
        machine = measure_machine(CPU, torch.float32, 150_000_000)
        found[f"tokens_{length}"] = {
            **middle,
            "added": middle["scored"] - middle["plain"],
            "share": (middle["scored"] - middle["plain"]) / middle["plain"],
            "head_flops": head,
            "floor": head / machine.flops,
            "samples": samples,
        }
    return found


def memory() -> dict:
    """Time and peak memory of scoring alone, each in a fresh process, chunked and all at once."""
    found: dict = {"lengths": LENGTHS, "chunk": CHUNK, "vocabulary": VOCABULARIES["gpt2"]}
    for length in LENGTHS:
        formula = length * VOCABULARIES["gpt2"] * 4
        entry: dict = {"formula": formula, "formula_chunk": CHUNK * VOCABULARIES["gpt2"] * 4}
        for way, settings in WAYS.items():
            chunked = "at_once" if way == "at_once" else "chunked"
            command = [sys.executable, str(HERE / "measure.py"), "--child", chunked, str(length)]
            told = []
            for _ in range(RUNS if way == "chunked" else 1):
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, **settings},
                )
                told.append(json.loads(done.stdout.splitlines()[-1]))
            entry[way] = {key: [one[key] for one in told] for key in ("peak", "seconds")}
        found[f"tokens_{length}"] = entry
    return found


@torch.inference_mode()
def child(way: str, length: int) -> None:
    """In a process of its own: score a prompt's rows, and say how far the memory's peak rose."""
    torch.manual_seed(0)
    hidden = torch.randn(length, WIDTH)
    head = torch.randn(VOCABULARIES["gpt2"], WIDTH).mul_(WIDTH**-0.5)  # in place: no higher peak
    ids = torch.randint(VOCABULARIES["gpt2"], (length,))

    def logits_of(rows: Tensor) -> Tensor:
        return rows @ head.T

    def work() -> None:
        if way == "chunked":
            score_prompt(logits_of, hidden, ids, 5)
        else:
            score(logits_of(hidden), ids, 5)

    score(logits_of(hidden[:1]), ids[:1], 5)  # whatever torch allocates once
    before = peak()
    started = time.perf_counter()
    work()
    print(json.dumps({"peak": peak() - before, "seconds": time.perf_counter() - started}))


def peak() -> int:
    """The most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it forked
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def served() -> Iterator[str]:
    """`ruvon serve story` of this stage in a process of its own. -> its address"""
    command = ["-P", "-m", "ruvon.cli", "serve", "story", "--port", "0"]
    command += ["--dtype", "float32", "--device", "cpu"]
    running = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert running.stdout is not None
    try:
        for line in running.stdout:
            if found := re.search(r"running on (http://\S+)", line):
                yield found[1]
                break
        else:
            raise AssertionError(f"the server ended with {running.wait()}")
    finally:
        running.terminate()
        running.stdout.read()  # or a full pipe would stop it
        running.wait()


def lm_eval() -> dict:
    """What lm-eval says of a server, and of the same model in its own process."""
    with served() as url:
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "0"}
        done = subprocess.run(
            [str(ROOT / ".venv-clients" / "bin" / "python"), str(HERE / "harness.py"), url],
            capture_output=True,
            text=True,
            env={**os.environ, **offline, "NO_PROXY": "127.0.0.1,localhost"},
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="at least; quick things get more")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="of the results files")
    parser.add_argument("--child", nargs=2, metavar=("WAY", "TOKENS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child[0], int(chosen.child[1]))
        return
    begun = time.perf_counter()

    def write(name: str, values: Callable[[], dict]) -> None:
        if chosen.only and name not in chosen.only:
            return
        save(RESULTS / f"{name}.json", record(COMMAND, values(), seed=0))
        print(f"{name}.json  {time.perf_counter() - begun:.0f} s", flush=True)

    llm = LLM("story", device="cpu", dtype="float32")
    write("sentence", lambda: sentence(llm))
    write("equal", lambda: equal(llm))
    write("texts", lambda: texts(llm))
    write("memory", memory)
    write("cost", lambda: cost(chosen.repeats))
    write("prompts", lambda: prompts(chosen.repeats))
    if (ROOT / ".venv-clients" / "bin" / "python").exists():
        write("lm_eval", lm_eval)
    else:
        print("lm_eval.json is left as it is: it needs the environment of `make clients`")


if __name__ == "__main__":
    main()
