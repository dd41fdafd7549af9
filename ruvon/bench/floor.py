"""Part 3 · The floor: what this machine can do at best, measured, and what a step asks of it.

A step cannot take less time than reading its bytes at the memory's speed, nor less than doing
its multiplications at the processor's: Williams et al., "Roofline" (2009).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ruvon.device import has_bf16_instructions
from ruvon.models.gpt2 import GPT2Config


@dataclass(frozen=True)
class Machine:
    """What was measured of one device in one number format."""

    # Bytes a second, reading a block of the size of the weights.
    bandwidth: float
    # Floating-point operations a second, in a large matrix product.
    flops: float


def seconds_of(work: Callable[[], object], device: torch.device, repeats: int = 7) -> list[float]:
    """Time `work` after one warm-up. -> seconds of each repeat."""
    samples = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        samples.append(time.perf_counter() - started)
    return samples[1:]


@torch.inference_mode()
def measure_machine(device: torch.device, dtype: torch.dtype, read_bytes: int) -> Machine:
    """Measure the memory's speed on a block of `read_bytes`, and the processor's on a product.

    A floor is what the machine can do at best: of two ways to read the block, a sum and a
    product with a vector, the faster counts, and of all samples the fastest.
    """
    width = 1024
    block = torch.ones(max(1, read_bytes // (4 * width)), width, dtype=torch.float32, device=device)
    vector = torch.ones(width, dtype=torch.float32, device=device)
    # Small blocks are read several times in a sample, so that a sample is not all overhead.
    passes = max(1, 200_000_000 // block.nbytes)
    summing = seconds_of(lambda: [block.sum() for _ in range(passes)], device)
    multiplying = seconds_of(lambda: [block.mv(vector) for _ in range(passes)], device)
    size = 2048
    a = torch.ones(size, size, dtype=multiplied_as(device, dtype), device=device)
    products = seconds_of(lambda: a @ a, device)
    return Machine(
        bandwidth=passes * block.nbytes / min(*summing, *multiplying),
        flops=2 * size**3 / min(products),
    )


def multiplied_as(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """The format in which a device multiplies fastest what is stored as `dtype`.

    A processor without instructions for 16-bit numbers is better off widening them first.
    """
    small = dtype in (torch.bfloat16, torch.float16)
    native = dtype == torch.bfloat16 and has_bf16_instructions()
    return torch.float32 if device.type == "cpu" and small and not native else dtype


def step_numbers(config: GPT2Config) -> int:
    """How many weights one step multiplies with: every projection, and the head."""
    d, inner = config.n_embd, config.inner
    layer = d * 3 * d + d * d + 2 * d * inner
    return config.n_layer * layer + d * config.vocab_size


def decode_bytes(config: GPT2Config, dtype: torch.dtype, cached: float) -> float:
    """Bytes that a decode step reads: the weights once, and `cached` tokens' keys and values."""
    cache = 2 * config.n_layer * config.n_embd * cached
    return (step_numbers(config) + cache) * dtype.itemsize


def prefill_flops(config: GPT2Config, tokens: int) -> float:
    """Operations of a prefill: two a weight and token, the head once, and causal attention."""
    head = config.n_embd * config.vocab_size
    linears = 2 * (step_numbers(config) - head) * tokens + 2 * head
    # Each token meets half of the others on average, once for scores and once for values.
    attention = config.n_layer * 2 * 2 * config.n_embd * tokens * tokens / 2
    return linears + attention
