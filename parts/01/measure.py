"""Part 1: the experiments behind the article's numbers. Writes results/*.json."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from demo import PROMPT
from demo import MeasuringLoader
from demo import TracingAttention
from demo import typical_seconds

from ruvon.attention.full import FullAttention
from ruvon.attention.full import causal_attention
from ruvon.bench.record import record
from ruvon.bench.record import save
from ruvon.course.run import stage_environment
from ruvon.course.stages import write_stage
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.models.weights import Checkpoint
from ruvon.models.weights import CheckpointLoader
from ruvon.seams import LayerSpec
from ruvon.seams import Loader
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results"
COMMAND = "python parts/01/measure.py"
CPU = torch.device("cpu")
TEXTS = {
    "a story": (
        "One day, a little girl named Mia found a small kite in the park. The kite was red and "
        "had a long tail. Mia was very happy. She ran fast and the kite went up, up, up into the "
        'sky. "Look, Mom!" she said. Her mom smiled. They played until it was time to go home.'
    ),
    "a news report": (
        "The central bank raised its benchmark rate by a quarter of a percentage point on "
        "Wednesday, citing persistent inflation in services. Analysts expect two further increases "
        "before June, although unemployment climbed to 4.3 % in the previous quarter."
    ),
    "Python": (
        "def mean(values: list[float]) -> float:\n"
        '    """The average, or 0.0 for an empty list."""\n'
        "    if not values:\n"
        "        return 0.0\n"
        "    return sum(values) / len(values)\n"
    ),
    "German": (
        "Eines Tages fand ein kleines Mädchen im Park einen Drachen. Er war rot und hatte einen "
        "langen Schwanz. Das Mädchen freute sich sehr und lief so schnell, dass er hoch in den "
        "Himmel stieg."
    ),
    "Chinese": (
        "有一天，一个小女孩在公园里找到了一只小风筝。风筝是红色的，还有一条长长的尾巴。"
        "小女孩非常高兴，她跑得很快，风筝飞到了天上。"
    ),
}
# What a reader plants to see a test fail: the line that hides the future.
MASKED = '    scores = scores.masked_fill(ahead, float("-inf"))'


def network(loader: Loader, config: GPT2Config) -> tuple[GPT2, MeasuringLoader]:
    measuring = MeasuringLoader(loader)
    return GPT2(config, measuring), measuring


def sample(repeats: int, run: Callable[[], object]) -> list[float]:
    """Seconds of each repeat, after one that does not count."""
    run()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(round(time.perf_counter() - started, 6))
    return seconds


def flops(config: GPT2Config, tokens: int) -> dict[str, int]:
    """Operations of a pass: two a weight and token; attention; one row of the head.

    Attention computes the whole square, the half above the diagonal too, and hides it.
    """
    d, layers = config.n_embd, config.n_layer
    return {
        "weights": 2 * layers * (4 * d * d + 2 * d * config.inner) * tokens,
        "attention": layers * 2 * 2 * d * tokens * tokens,
        "head": 2 * d * config.vocab_size,
    }


def ids_of(model: GPT2, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, model.vocabulary, (count,), generator=generator)


def where(model: GPT2, loader: MeasuringLoader, tokens: int) -> dict:
    """Share of bytes and of time by kind of piece."""
    seconds = typical_seconds(model, loader, TracingAttention(), ids_of(model, tokens))
    spent, held = sum(seconds.values()), sum(loader.bytes.values())
    return {
        "tokens": tokens,
        "seconds": {kind: round(second, 6) for kind, second in seconds.items()},
        "bytes": dict(loader.bytes),
        "total_seconds": spent,
        "total_bytes": held,
        "time_share": {kind: second / spent for kind, second in seconds.items()},
        "byte_share": {kind: size / held for kind, size in loader.bytes.items()},
    }


def length_sweep(model: GPT2, config: GPT2Config, lengths: tuple[int, ...], repeats: int) -> dict:
    """Time of a pass against its length, and attention's share of it."""
    points = []
    passes: dict[int, list[tuple[float, float]]] = {count: [] for count in lengths}
    for _ in range(repeats + 1):  # the lengths in turns, so that a slow moment hits all of them
        for count in lengths:
            attention = TracingAttention()
            started = time.perf_counter()
            model.logits(model(ids_of(model, count), torch.arange(count), attention)[-1:])
            passes[count].append((time.perf_counter() - started, attention.seconds))
    for count in lengths:
        seconds = [round(whole, 6) for whole, _ in passes[count][1:]]  # the first warmed up
        inside = [round(part, 6) for _, part in passes[count][1:]]
        work, typical = flops(config, count), statistics.median(seconds)
        points.append(
            {
                "tokens": count,
                "samples": seconds,
                "attention_samples": inside,
                "seconds": typical,
                "seconds_per_token": typical / count,
                "attention_seconds": statistics.median(inside),
                "attention_share": statistics.median(inside) / typical,
                "attention_flops_share": work["attention"] / sum(work.values()),
                "gflops": sum(work.values()) / 1e9,
                "gflops_per_second": sum(work.values()) / 1e9 / typical,
            }
        )
    return {"points": points, "longest": points[-1], "shortest": points[0]}


def head_rows(model: GPT2, tokens: int, repeats: int) -> dict:
    """Scores for every row against scores for the last one."""
    hidden = model(ids_of(model, tokens), torch.arange(tokens), FullAttention())
    every = sample(repeats, lambda: model.logits(hidden))
    last = sample(repeats, lambda: model.logits(hidden[-1:]))
    body = sample(
        max(1, repeats // 2),
        lambda: model(ids_of(model, tokens), torch.arange(tokens), FullAttention()),
    )
    return {
        "tokens": tokens,
        "vocabulary": model.vocabulary,
        "every_samples": every,
        "last_samples": last,
        "body_samples": body,
        "every_seconds": statistics.median(every),
        "last_seconds": statistics.median(last),
        "body_seconds": statistics.median(body),
        "every_bytes": tokens * model.vocabulary * 4,
        "last_bytes": model.vocabulary * 4,
    }


def compression(tokenizer: Tokenizer) -> dict:
    """Bytes, characters and tokens of a few texts."""
    texts = {}
    for name, text in TEXTS.items():
        size, count = len(text.encode()), len(tokenizer.encode(text))
        texts[name] = {
            "text": text,
            "bytes": size,
            "characters": len(text),
            "tokens": count,
            "bytes_per_token": size / count,
            "tokens_per_byte": count / size,
        }
    long = "\n".join(TEXTS.values()) * 100
    seconds = sample(5, lambda: tokenizer.encode(long))
    return {
        "vocabulary": tokenizer.vocab_size,
        "texts": texts,
        "encode_bytes": len(long.encode()),
        "encode_samples": seconds,
        "encode_mb_per_second": len(long.encode()) / 1e6 / statistics.median(seconds),
    }


class Watching(FullAttention):
    """Full attention that keeps each layer's weights, averaged over its heads."""

    def __init__(self) -> None:
        self.weights: list[list[list[float]]] = []

    def __call__(
        self, layer: LayerSpec, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        # With unit vectors for values, what comes out are the weights: [T, heads, T].
        units = torch.eye(len(k)).unsqueeze(1).expand(-1, layer.kv_heads, -1)
        weights = causal_attention(layer, q, k, units).mean(dim=1)
        self.weights.append([[round(w, 4) for w in row] for row in weights.tolist()])
        return super().__call__(layer, q, k, v)


def trace(model: GPT2, tokenizer: Tokenizer) -> dict:
    """One pass over the demo's prompt: who looked at whom, and each row's best next token."""
    ids, watching = tokenizer.encode(PROMPT), Watching()
    hidden = model(torch.tensor(ids), torch.arange(len(ids)), watching)
    chances, best = model.logits(hidden).softmax(-1).max(-1)
    return {
        "prompt": PROMPT,
        "ids": ids,
        "pieces": [tokenizer.decode([token]) for token in ids],
        "best": [tokenizer.decode([token]) for token in best.tolist()],
        "best_chance": [round(chance, 4) for chance in chances.tolist()],
        "weights": watching.weights,
    }


class Unmasked(FullAttention):
    """The seeded bug: every token sees the future."""

    def __call__(
        self, layer: LayerSpec, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        scores = torch.einsum("thd,shd->hts", q, k) * layer.scale
        return torch.einsum("hts,shd->thd", scores.softmax(-1), v)


def seeded_bug(model: GPT2, tokenizer: Tokenizer) -> dict:
    """What the model says without the causal mask, and which tests of the part fall."""
    ids = tokenizer.encode(PROMPT)
    story = torch.tensor(tokenizer.encode(TEXTS["a story"]))
    values: dict[str, object] = {}
    for name, attention in (("right", FullAttention()), ("wrong", Unmasked())):
        hidden = model(torch.tensor(ids), torch.arange(len(ids)), attention)
        best = model.logits(hidden[-1:]).softmax(-1)[0].topk(5)
        scores = model.logits(model(story, torch.arange(len(story)), attention))
        loss = torch.nn.functional.cross_entropy(scores[:-1], story[1:])
        values[name] = {
            "top": [tokenizer.decode([token]) for token in best.indices.tolist()],
            "chances": [round(chance, 4) for chance in best.values.tolist()],
            "loss": loss.item(),
        }
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name)
        write_stage(1, stage, ROOT)
        file = stage / "ruvon" / "attention" / "full.py"
        lines = file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(MASKED)]
        assert len(kept) == len(lines) - 1, "the line that hides the future is not where it was"
        file.write_text("".join(kept))
        command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, "--rootdir", name, "--tb=no", str(ROOT / "tests" / "parts" / "01")],
            cwd=name,
            env=stage_environment(stage, ROOT),
            capture_output=True,
            text=True,
            check=False,
        )
    failed = sorted(set(re.findall(r"FAILED \S+::(\w+)", done.stdout)))
    assert failed, f"no test fell:\n{done.stdout}{done.stderr}"
    return values | {"failed_tests": failed, "summary": done.stdout.strip().splitlines()[-1]}


@torch.inference_mode()
def main() -> None:
    folder = locate("story")
    tokenizer, shape = Tokenizer.from_dir(folder), read_shape(folder)
    story, story_loader = network(CheckpointLoader(Checkpoint(folder), torch.float32, CPU), shape)
    gpt2, gpt2_loader = network(RandomLoader(torch.float32, CPU), GPT2Config())

    def keep(name: str, values: dict) -> None:
        save(RESULTS / f"{name}.json", record(COMMAND, values, seed=0))

    keep("compression", compression(tokenizer))
    keep("trace", trace(story, tokenizer))
    keep("bug", seeded_bug(story, tokenizer))
    keep(
        "where",
        {"story": where(story, story_loader, 12), "gpt2": where(gpt2, gpt2_loader, 12)},
    )
    longest = (story.context, gpt2.context)
    keep(
        "head",
        {"story": head_rows(story, longest[0], 7), "gpt2": head_rows(gpt2, longest[1] // 2, 3)},
    )
    lengths = [tuple(top * part // 16 for part in (1, 2, 4, 6, 8, 12, 16)) for top in longest]
    keep(
        "length",
        {
            "story": length_sweep(story, shape, lengths[0], 7),
            "gpt2": length_sweep(gpt2, GPT2Config(), lengths[1], 3),
        },
    )


if __name__ == "__main__":
    main()
