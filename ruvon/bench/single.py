"""Part 3 · One request at a time: how fast a prompt is read, and how fast tokens follow."""

import random
import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ruvon.attention import new_attention
from ruvon.bench.floor import decode_bytes
from ruvon.bench.floor import measure_machine
from ruvon.bench.floor import prefill_flops
from ruvon.bench.floor import step_numbers
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.linears import wrap_linears
from ruvon.models.random import RandomLoader
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Model
from ruvon.zoo import locate

SHAPES = {
    "gpt2": GPT2Config(),
    "gpt2-medium": GPT2Config(n_embd=1024, n_layer=24, n_head=16),
    "gpt2-large": GPT2Config(n_embd=1280, n_layer=36, n_head=20),
    "gpt2-xl": GPT2Config(n_embd=1600, n_layer=48, n_head=25),
}


@dataclass(frozen=True)
class Result:
    """What a benchmark measured, beside the floor."""

    what: str
    model: str
    dtype: str
    device: str
    prompt_tokens: int
    new_tokens: int
    # Seconds: of each decode step on average, or of the whole prefill. One sample a repeat.
    samples: list[float]
    # The least time that the machine allows, from what was measured in the same run.
    floor: float
    # What the floor was computed from: bytes a second, or operations a second.
    rate: float
    # How weights are held, and how many threads compute.
    linear: str
    threads: int
    # The operators that PyTorch runs in one decode step.
    operators: int = 0

    @property
    def seconds(self) -> float:
        """The median sample."""
        return statistics.median(self.samples)

    @property
    def tokens_per_second(self) -> float:
        """Tokens made in decoding, or tokens read in a prefill, a second."""
        return (1 if self.what == "decode" else self.prompt_tokens) / self.seconds

    @property
    def share(self) -> float:
        """How near the floor it came: 1 is as fast as the machine allows."""
        return self.floor / self.seconds


def open_model(
    name: str,
    shape: str | None,
    dtype: torch.dtype,
    device: torch.device,
    linear: str | None = None,
) -> tuple[Model, GPT2Config]:
    """The model called `name`, or random weights in one of the SHAPES."""
    wrap = wrap_linears(linear)
    if shape is None:
        folder = locate(name)
        return load_model(folder, dtype, device, wrap), read_shape(folder)
    if shape not in SHAPES:
        raise RuvonError(f"shape {shape!r} is not one of {', '.join(SHAPES)}")
    config = SHAPES[shape]
    return GPT2(config, wrap(RandomLoader(dtype, device))), config


def seconds_to_generate(model: Model, prompt: list[int], new: int, attention: str | None) -> float:
    """Wall time from the prompt to its `new`-th token."""
    looks = new_attention(attention, model, len(prompt) + new)
    started = time.perf_counter()
    made = list(generate(model, looks, prompt, SamplingParams(max_tokens=new)))
    assert len(made) == new
    return time.perf_counter() - started


def random_prompt(model: Model, tokens: int, seed: int) -> list[int]:
    """Ids that mean nothing, the same for the same seed."""
    draw = random.Random(seed)
    return [draw.randrange(model.vocabulary) for _ in range(tokens)]


class OperatorCount(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operators that reach PyTorch's dispatcher while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def operators_a_step(model: Model, attention: str | None) -> int:
    """How many operators PyTorch runs in one decode step. Kernels in C are not among them."""
    looks = new_attention(attention, model, 4)
    step(model, looks, [1, 2, 3])
    with OperatorCount() as counter:
        step(model, looks, [1, 2, 3, 4])
    return int(counter.count)


def held(model: Model) -> str:
    """How the model's head holds its weight: dense, packed, native."""
    return type(getattr(model, "head", None)).__name__.removesuffix("Linear").lower()


def bench_decode(
    model: Model,
    config: GPT2Config,
    name: str,
    prompt_tokens: int = 128,
    new_tokens: int = 128,
    repeats: int = 5,
    attention: str | None = None,
) -> Result:
    """A step's time once the prompt is read: (T(new) - T(1)) / (new - 1)."""
    samples = []
    for repeat in range(-1, repeats):
        prompt = random_prompt(model, prompt_tokens, repeat)
        first = seconds_to_generate(model, prompt, 1, attention)
        whole = seconds_to_generate(model, prompt, new_tokens, attention)
        samples.append((whole - first) / (new_tokens - 1))
    weights = step_numbers(config) * model.dtype.itemsize
    machine = measure_machine(model.device, model.dtype, weights)
    cached = prompt_tokens + new_tokens / 2
    return Result(
        what="decode",
        model=name,
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        prompt_tokens=prompt_tokens,
        new_tokens=new_tokens,
        samples=samples[1:],  # the first warmed everything up
        floor=decode_bytes(config, model.dtype, cached) / machine.bandwidth,
        rate=machine.bandwidth,
        linear=held(model),
        threads=torch.get_num_threads(),
        operators=operators_a_step(model, attention),
    )


def bench_prefill(
    model: Model,
    config: GPT2Config,
    name: str,
    prompt_tokens: int = 512,
    repeats: int = 5,
    attention: str | None = None,
) -> Result:
    """Time from a prompt to its first new token."""
    samples = []
    for repeat in range(-1, repeats):
        prompt = random_prompt(model, prompt_tokens, repeat)
        samples.append(seconds_to_generate(model, prompt, 1, attention))
    machine = measure_machine(model.device, model.dtype, 100_000_000)
    return Result(
        what="prefill",
        model=name,
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        prompt_tokens=prompt_tokens,
        new_tokens=1,
        samples=samples[1:],
        floor=prefill_flops(config, prompt_tokens) / machine.flops,
        rate=machine.flops,
        linear=held(model),
        threads=torch.get_num_threads(),
    )
