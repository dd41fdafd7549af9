"""Part 5: the experiments behind the article's numbers. Writes results/*.json."""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from evidence import FLAT
from evidence import PEAKED
from evidence import against_transformers
from evidence import distribution
from surprise import along_a_text
from surprise import loops
from surprise import of_knobs
from surprise import repetition
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.bench.floor import measure_machine
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.bench.single import random_prompt
from ruvon.engine.generate import step
from ruvon.models import load_model
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.linears import wrap_linears
from ruvon.models.random import RandomLoader
from ruvon.sampling.greedy import Row
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import stochastic
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

RESULTS = Path(__file__).parent / "results"
COMMAND = "python parts/05/measure.py"
CPU = torch.device("cpu")
SEED = 0
VOCABULARY = GPT2Config().vocab_size
COUNTS = (1, 8, 64)  # rows
TEXT = 200  # known tokens of each row, of which half are the prompt

WAYS: dict[str, dict] = {
    "greedy": {"temperature": 0.0},
    "temperature": {},
    "min_p": {"min_p": 0.1},
    "penalties": {"repetition_penalty": 1.2, "frequency_penalty": 0.5},
    "top_k": {"top_k": 40},
    "top_p": {"top_p": 0.9},
    "everything": {
        "top_k": 40,
        "top_p": 0.9,
        "min_p": 0.1,
        "repetition_penalty": 1.2,
        "frequency_penalty": 0.5,
    },
}


def interleaved(ways: dict[str, Callable[[], object]], least: int) -> dict[str, list[float]]:
    """Time each way in turns, quick ones more often a turn. -> seconds of a call."""
    often = {}
    for name, work in ways.items():
        work()
        started = time.perf_counter()
        work()
        often[name] = max(1, min(50, int(0.02 / (time.perf_counter() - started))))
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(least):
        for name, work in ways.items():
            started = time.perf_counter()
            for _ in range(often[name]):
                work()
            samples[name].append(round((time.perf_counter() - started) / often[name], 8))
    return samples


def new_rows(count: int, vocabulary: int, params: dict) -> list[Row]:
    """Rows with parameters and texts of their own."""
    generator = torch.Generator().manual_seed(SEED)
    ids = torch.randint(0, vocabulary, (count, TEXT), generator=generator).tolist()
    asked = [SamplingParams(**{"temperature": 0.8, "seed": n, **params}) for n in range(count)]
    return [Row(p, known, TEXT // 2) for p, known in zip(asked, ids, strict=True)]


def one_by_one(logits: Tensor, rows: list[Row]) -> list[int]:
    """A loop over the rows, a call for each."""
    return [int(stochastic(logits[n : n + 1], [row]).ids) for n, row in enumerate(rows)]


def cost(count: int, vocabulary: int, least: int) -> dict:
    """Seconds of one call for `count` rows, by what is asked for."""
    logits = 3 * torch.randn(count, vocabulary, generator=torch.Generator().manual_seed(SEED))
    asked = {name: new_rows(count, vocabulary, params) for name, params in WAYS.items()}
    work: dict[str, Callable[[], object]] = {
        name: lambda rows=rows: stochastic(logits, rows) for name, rows in asked.items()
    }
    work["loop"] = lambda: one_by_one(logits, asked["top_p"])
    # What they are made of.
    chances = logits.softmax(dim=-1)
    pieces: dict[str, Callable[[], object]] = {
        "argmax": lambda: logits.argmax(dim=-1),
        "softmax": lambda: logits.softmax(dim=-1),
        "sort": lambda: logits.sort(dim=-1),
        "topk_40": lambda: logits.topk(40, dim=-1),
        "cumsum": lambda: chances.to(torch.float64).cumsum(dim=-1),
        "search": lambda: (chances > 2).to(torch.uint8).argmax(dim=-1),
    }
    samples = interleaved(work, least)
    parts = interleaved(pieces, least)
    middle = {name: statistics.median(taken) for name, taken in samples.items()}
    return {
        "rows": count,
        "vocabulary": vocabulary,
        "bytes": logits.nbytes,
        "seconds": middle,
        "pieces": {name: statistics.median(taken) for name, taken in parts.items()},
        "samples": samples,
        "pieces_samples": parts,
    }


def decode_step(model: Model, length: int, least: int) -> dict:
    """Seconds of one decode step without sampling, at `length`."""
    known = random_prompt(model, length, SEED)
    attention = new_attention(None, model, length)
    step(model, attention, known[:-1])

    def last_alone() -> None:
        attention.cache.length = length - 1  # take back the slot of the call before
        step(model, attention, known)

    samples = interleaved({"step": last_alone}, least)["step"]
    return {"length": length, "seconds": statistics.median(samples), "samples": samples}


def costs(story: Model, least: int) -> dict:
    """The sampler beside the step that it follows, and beside the reading of its logits."""
    gpt2 = GPT2(GPT2Config(), wrap_linears(None)(RandomLoader(torch.float32, CPU)))
    steps = {"story": decode_step(story, 128, least), "gpt2": decode_step(gpt2, 128, least)}
    machine = measure_machine(CPU, torch.float32, 4 * VOCABULARY * COUNTS[-1])
    values: dict = {"known": TEXT, "bandwidth": machine.bandwidth, "steps": steps}
    for count in COUNTS:
        made = cost(count, VOCABULARY, least)
        values[f"rows_{count}"] = made | {"floor": made["bytes"] / machine.bandwidth}
    values["story"] = cost(1, story.vocabulary, least)
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="samples of each timing")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="of the results files")
    chosen = parser.parse_args()

    def write(name: str, values: Callable[[], dict]) -> None:
        if chosen.only and name not in chosen.only:
            return
        save(RESULTS / f"{name}.json", record(COMMAND, values(), seed=SEED))
        print(f"{name}.json  {time.perf_counter() - begun:.0f} s", flush=True)

    begun = time.perf_counter()
    folder = locate("story")
    tokenizer = Tokenizer.from_dir(folder)
    exact = load_model(folder, torch.float64)
    prompts = {"flat": FLAT, "peaked": PEAKED}
    write(
        "distribution",
        lambda: {name: distribution(exact, tokenizer, text) for name, text in prompts.items()},
    )
    write("right", against_transformers)
    write("text", lambda: along_a_text(exact, tokenizer))
    write("knobs", lambda: of_knobs(exact, tokenizer))
    write("repetition", lambda: repetition(exact, tokenizer))
    write("loops", lambda: loops(exact, tokenizer))
    story = load_model(folder, torch.float32, CPU, wrap_linears(None))
    write("cost", lambda: costs(story, chosen.repeats))


if __name__ == "__main__":
    main()
