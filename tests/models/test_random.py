"""Random weights: any shape without a file, the same for the same seed."""

import torch

from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader

CPU = torch.device("cpu")
CONFIG = GPT2Config(vocab_size=50, n_positions=16, n_embd=20, n_layer=2, n_head=5)
IDS = [3, 1, 4, 1, 5]


def network(seed, dtype=torch.float32, config=CONFIG):
    return GPT2(config, RandomLoader(dtype, CPU, seed=seed))


def test_a_seed_decides_everything(logits_of):
    assert torch.equal(logits_of(network(1), IDS), logits_of(network(1), IDS))
    assert not torch.equal(logits_of(network(1), IDS), logits_of(network(2), IDS))


def test_the_head_is_tied_when_the_config_says_so():
    tied = network(0)
    assert tied.head.weight is tied.token_embedding.weight
    untied = network(0, config=GPT2Config(**vars(CONFIG) | {"tie_word_embeddings": False}))
    assert untied.head.weight.shape == (50, 20)
    assert untied.head.weight is not untied.token_embedding.weight


def test_any_number_format_scores_in_float32(logits_of):
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        model = network(0, dtype)
        assert model.dtype is dtype
        assert model.blocks[0].qkv.weight.dtype is dtype
        assert logits_of(model, IDS).dtype is torch.float32
