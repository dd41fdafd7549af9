"""Part 2: the experiments behind the article's numbers. Writes results/*.json."""

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor

from ruvon.attention.full import FullAttention
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.greedy import Sampler
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Model
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

RESULTS = Path(__file__).parent / "results"
COMMAND = "python parts/02/measure.py"
SEED = 0
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


def linear_flops(config: GPT2Config, tokens: int) -> int:
    """Operations of a step outside of attention: two a weight and token, and the head once."""
    d = config.n_embd
    weights = config.n_layer * (4 * d * d + 2 * d * config.inner)
    return 2 * weights * tokens + 2 * d * config.vocab_size


def step_flops(config: GPT2Config, tokens: int) -> int:
    """Operations of a step over `tokens`: every token looks at each, twice two a dimension."""
    return linear_flops(config, tokens) + config.n_layer * 4 * config.n_embd * tokens * tokens


def measure(model: Model, config: GPT2Config, prompt: int, new: int, repeats: int) -> dict:
    ids = [index % model.vocabulary for index in range(7, 7 + prompt)]
    step_seconds(model, ids, 4)  # a warm-up
    runs = [step_seconds(model, ids, new) for _ in range(repeats)]
    typical = [statistics.median(step) for step in zip(*runs, strict=True)]
    flops = [step_flops(config, prompt + step) for step in range(new)]
    fixed, rate = fit(flops, typical)
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
        "step_flops": flops,
        # The straight line through (operations, seconds): what a step costs before its first
        # token, and how many operations a second come on top.
        "fixed_seconds": fixed,
        "flops_per_second": rate,
        "attention_share_last": 1 - linear_flops(config, prompt + new - 1) / flops[-1],
    }


def fit(flops: list[int], seconds: list[float]) -> tuple[float, float]:
    """Least squares for seconds = fixed + flops / rate. -> (fixed, rate)."""
    x, y = (torch.tensor(values, dtype=torch.float64) for values in (flops, seconds))
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return float(y.mean()) - slope * float(x.mean()), 1 / slope


class Drawn:
    """A sampler that draws from the model's own distribution: the other end from greedy."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, logits: Tensor, rows: list[Row]) -> Sampled:
        chances = logits.softmax(dim=-1)
        return Sampled(ids=torch.multinomial(chances, 1, generator=self.generator)[:, 0])


def repeated(made: list[int], length: int = 8) -> tuple[int, int]:
    """How many runs of `length` tokens stood in the same text before, and of how many."""
    grams = [tuple(made[i : i + length]) for i in range(len(made) - length + 1)]
    return len(grams) - len(set(grams)), len(grams)


def tell(model: Model, tokenizer: Tokenizer, sample: Sampler, new: int) -> dict:
    """One story for each beginning, and how much each repeats itself."""
    stories, again, total = [], 0, 0
    params = SamplingParams(max_tokens=new)
    for beginning in BEGINNINGS:
        ids, made, reason = tokenizer.encode(beginning), [], None
        for increment in generate(
            model, FullAttention(), ids, params, sample, eos_id=tokenizer.eos_id
        ):
            made += increment.ids
            reason = increment.finish_reason
        seen, grams = repeated(made)
        again, total = again + seen, total + grams
        text = tokenizer.decode([token for token in made if token != tokenizer.eos_id])
        stories.append(
            {
                "share": seen / grams if grams else 0.0,
                "finish_reason": reason,
                "text": " ".join((beginning + text).split()),
            }
        )
    return {
        "share": again / total,
        "grams": total,
        "ended": sum(story["finish_reason"] == "stop" for story in stories),
        "worst": max(stories, key=lambda story: story["share"]),
        "stories": stories,
    }


def repetition(model: Model, tokenizer: Tokenizer, new: int) -> dict:
    """Greedy stories, and drawn ones beside them to compare with."""
    return {
        "new_tokens": new,
        "gram_tokens": 8,
        "beginnings": len(BEGINNINGS),
        "greedy": tell(model, tokenizer, greedy, new),
        "drawn": tell(model, tokenizer, Drawn(SEED), new),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples: to try the script")
    quick = parser.parse_args().quick
    command = f"{COMMAND} --quick" if quick else COMMAND
    folder = locate("story")
    tokenizer, story = Tokenizer.from_dir(folder), load_model(folder, torch.float32)
    shape, device = GPT2Config(), torch.device("cpu")
    gpt2 = GPT2(shape, RandomLoader(torch.float32, device))
    values = {
        "story": measure(story, read_shape(folder), 16, 256, repeats=1 if quick else 5),
        "gpt2": measure(gpt2, shape, 16, 24 if quick else 112, repeats=1 if quick else 3),
    }
    save(RESULTS / "steps.json", record(command, values, seed=SEED))
    told = repetition(story, tokenizer, new=60 if quick else 120)
    save(RESULTS / "repetition.json", record(command, told, seed=SEED))


if __name__ == "__main__":
    main()
