"""Part 2: the experiments behind the article's numbers. Writes results/*.json."""

import statistics
import time
from pathlib import Path

import torch

from ruvon.attention.full import FullAttention
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

RESULTS = Path(__file__).parent / "results"
COMMAND = "python parts/02/measure.py"
BEGINNINGS = (
    "Once upon a time",
    "One day, a little boy",
    "Tom and Sue were friends",
    "The big dog",
    "Lily had a red ball",
    "In the forest there was",
    "A bird sat in a tree",
    "Mom said",
    "It was raining",
    "The little car",
)


def step_seconds(model: Model, prompt: list[int], new: int) -> list[float]:
    """Seconds of each step of one generation, the whole sequence computed in each."""
    params = SamplingParams(max_tokens=new)
    seconds, started = [], time.perf_counter()
    for _ in generate(model, FullAttention(), prompt, params):
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    return seconds


def step_flops(config: GPT2Config, tokens: int) -> int:
    """Operations of a step over `tokens`: two a weight and token, attention, the head once."""
    d, layers = config.n_embd, config.n_layer
    weights = layers * (4 * d * d + 2 * d * config.inner)
    attention = layers * 2 * 2 * d * tokens * tokens
    return 2 * weights * tokens + attention + 2 * d * config.vocab_size


def measure(model: Model, config: GPT2Config, prompt: int, new: int, repeats: int) -> dict:
    ids = [index % model.vocabulary for index in range(7, 7 + prompt)]
    step_seconds(model, ids, 4)  # a warm-up
    runs = [step_seconds(model, ids, new) for _ in range(repeats)]
    typical = [statistics.median(step) for step in zip(*runs, strict=True)]
    flops = [step_flops(config, prompt + step) for step in range(new)]
    tenth = max(1, new // 10)
    return {
        "prompt_tokens": prompt,
        "new_tokens": new,
        "runs": [[round(second, 6) for second in run] for run in runs],
        "step_seconds": [round(second, 6) for second in typical],
        "first_seconds": statistics.median(typical[:tenth]),
        "last_seconds": statistics.median(typical[-tenth:]),
        "total_seconds": sum(typical),
        "total_half_seconds": sum(typical[: new // 2]),
        "computed_tokens": sum(range(prompt, prompt + new)),
        "needed_tokens": prompt + new - 1,
        "first_flops": flops[0],
        "last_flops": flops[-1],
        "total_flops": sum(flops),
    }


def repetition(model: Model, tokenizer: Tokenizer, new: int = 150, words: int = 8) -> dict:
    """How much greedy decoding repeats itself: 8-grams that stood in the same text before."""
    texts, repeated, total = [], 0, 0
    for beginning in BEGINNINGS:
        ids = tokenizer.encode(beginning)
        params = SamplingParams(max_tokens=new)
        made = [
            token
            for increment in generate(model, FullAttention(), ids, params, eos_id=tokenizer.eos_id)
            for token in increment.ids
        ]
        grams = [tuple(made[i : i + words]) for i in range(len(made) - words + 1)]
        seen: set[tuple[int, ...]] = set()
        for gram in grams:
            repeated += gram in seen
            seen.add(gram)
        total += len(grams)
        texts.append(beginning + tokenizer.decode(made))
    return {"share": repeated / total, "grams": total, "texts": texts}


def main() -> None:
    folder = locate("story")
    tokenizer, story = Tokenizer.from_dir(folder), load_model(folder, torch.float32)
    device = torch.device("cpu")
    gpt2 = GPT2(GPT2Config(), RandomLoader(torch.float32, device))
    values = {
        "story": measure(story, read_shape(folder), prompt=16, new=256, repeats=5),
        "gpt2": measure(gpt2, GPT2Config(), prompt=16, new=112, repeats=3),
    }
    save(RESULTS / "steps.json", record(COMMAND, values, seed=0))
    save(RESULTS / "repetition.json", record(COMMAND, repetition(story, tokenizer), seed=0))


if __name__ == "__main__":
    main()
