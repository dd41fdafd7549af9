"""The floor's arithmetic, against counting what the network really holds."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ruvon.attention import new_attention
from ruvon.bench.floor import decode_bytes
from ruvon.bench.floor import prefill_flops
from ruvon.bench.floor import step_numbers
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.seams import Span

CONFIG = GPT2Config(vocab_size=128, n_positions=32, n_embd=32, n_layer=3, n_head=4, n_inner=80)
NETWORK = GPT2(CONFIG, RandomLoader(torch.float32, torch.device("cpu")))


def test_a_step_multiplies_with_every_weight_once():
    blocks = [b for block in NETWORK.blocks for b in vars(block).values() if hasattr(b, "weight")]
    matrices = [piece.weight for piece in [*blocks, NETWORK.head] if piece.weight.dim() == 2]
    assert step_numbers(CONFIG) == sum(weight.numel() for weight in matrices)


def test_decode_reads_the_weights_and_the_cache():
    for dtype in (torch.float32, torch.bfloat16):
        empty, full = (decode_bytes(CONFIG, dtype, cached) for cached in (0, 10))
        assert empty == step_numbers(CONFIG) * dtype.itemsize
        assert full - empty == 10 * bytes_per_token(CONFIG.layers, dtype)


def test_prefill_does_what_torch_counts():
    """Torch counts attention's whole square; causal attention needs half of it."""
    T = 32
    attention = new_attention("full", NETWORK, T)
    attention.prepare([Span(0, T)])
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        hidden = NETWORK(torch.zeros(T, dtype=torch.int64), torch.arange(T), attention)
        NETWORK.logits(hidden[-1:])
    square = CONFIG.n_layer * 2 * 2 * CONFIG.n_embd * T * T
    assert prefill_flops(CONFIG, T) == pytest.approx(counted.get_total_flops() - square / 2)
