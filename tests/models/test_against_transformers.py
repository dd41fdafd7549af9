"""Logits equal those of `transformers` for any GPT-2, however it is shaped and stored."""

import json

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file

from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.zoo import SHIPPED
from ruvon.zoo import locate

IDS = [5, 60, 0, 17, 17, 33, 8, 42, 21, 59, 3, 30]
TOLERANCE = 1e-4

SHAPES = {
    "plain": {},
    "three heads of seven": {"n_embd": 21, "n_head": 3},
    "one head": {"n_head": 1},
    "one layer": {"n_layer": 1},
    "five layers": {"n_layer": 5},
    "25 heads as in XL": {"n_embd": 100, "n_head": 25, "n_layer": 3},
    "one token of vocabulary more": {"vocab_size": 62},
    "untied head": {"tie_word_embeddings": False},
    "narrow inside": {"n_inner": 20},
    "wide inside": {"n_inner": 200},
    "relu": {"activation_function": "relu"},
    "exact gelu": {"activation_function": "gelu"},
    "tanh gelu by its other name": {"activation_function": "gelu_pytorch_tanh"},
    "scale by depth": {"scale_attn_by_inverse_layer_idx": True, "n_layer": 4},
    "no scale": {"scale_attn_weights": False},
    "another epsilon": {"layer_norm_epsilon": 0.5},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(reference_gpt2, logits_of, tmp_path, shape):
    reference = reference_gpt2(tmp_path, **SHAPES[shape])
    ours, theirs = logits_of(load_model(tmp_path), IDS), logits_of(reference, IDS)
    assert theirs.std() > 0.5  # a network that says nothing would prove nothing
    assert (ours - theirs).abs().max() < TOLERANCE


def test_the_whole_context(reference_gpt2, logits_of, tmp_path):
    reference = reference_gpt2(tmp_path)
    ids = [i % 61 for i in range(40)]
    assert (logits_of(load_model(tmp_path), ids) - logits_of(reference, ids)).abs().max() < 1e-4


def test_an_unknown_activation_is_refused(reference_gpt2, tmp_path):
    reference_gpt2(tmp_path, activation_function="silu")
    with pytest.raises(RuvonError, match="'silu' is not one of gelu_new"):
        load_model(tmp_path)


def rename(folder, change):
    """Rewrite the folder's tensors by a function of all of them."""
    file = folder / "model.safetensors"
    tensors = change(load_file(file))
    save_file({n: t.contiguous() for n, t in tensors.items()}, file, metadata={"format": "pt"})


def test_names_without_prefix(reference_gpt2, logits_of, tmp_path):
    """As OpenAI's own checkpoints on the Hub have them."""
    reference = reference_gpt2(tmp_path)
    rename(tmp_path, lambda ts: {n.removeprefix("transformer."): t for n, t in ts.items()})
    assert "wte.weight" in load_file(tmp_path / "model.safetensors")
    assert (logits_of(load_model(tmp_path), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4


def test_mask_buffers_of_old_files(reference_gpt2, logits_of, tmp_path):
    reference = reference_gpt2(tmp_path)
    mask = torch.ones(40, 40).tril()[None, None]
    buffers = {f"transformer.h.{i}.attn.bias": mask.clone() for i in range(2)}
    buffers |= {f"transformer.h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(2)}
    rename(tmp_path, lambda tensors: tensors | buffers)
    assert (logits_of(load_model(tmp_path), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4


def test_a_tied_head_that_is_stored_all_the_same(reference_gpt2, logits_of, tmp_path):
    """Fine-tuning scripts save it a second time; `transformers` goes by the config, as we do."""
    reference = reference_gpt2(tmp_path)
    rename(tmp_path, lambda ts: ts | {"lm_head.weight": ts["transformer.wte.weight"].clone()})
    assert (logits_of(load_model(tmp_path), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4


@pytest.mark.parametrize("tied", [True, False])
def test_shards(reference_gpt2, logits_of, tmp_path, tied):
    reference = reference_gpt2(tmp_path, tie_word_embeddings=tied, save={"max_shard_size": "20KB"})
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert (logits_of(load_model(tmp_path), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_files(reference_gpt2, logits_of, tmp_path, stored):
    reference = reference_gpt2(tmp_path)
    rename(tmp_path, lambda ts: {n: t.to(stored) for n, t in ts.items()})
    rounded = type(reference).from_pretrained(tmp_path, dtype=torch.float32).eval()
    ours, theirs = logits_of(load_model(tmp_path), IDS), logits_of(rounded, IDS)
    assert (ours - theirs).abs().max() < 1e-4
    assert (ours - logits_of(reference, IDS)).abs().max() > 1e-4  # the file was rounded indeed


def test_ties_cost_no_second_table(reference_gpt2, tmp_path):
    reference_gpt2(tmp_path)
    network = load_model(tmp_path)
    assert network.head.weight.data_ptr() == network.token_embedding.weight.data_ptr()


# --- The models that ship --------------------------------------------------------------------


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request):
    """The folder of a model that ships, and the reference with its weights."""
    from transformers import GPT2LMHeadModel

    folder = locate(request.param)
    return folder, GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()


def ramble(context, vocabulary):
    """As many ids as fit, from all over the vocabulary."""
    return [(i * 7919 + 13) % vocabulary for i in range(context)]


def test_shipped_models_in_float32(shipped, logits_of):
    folder, reference = shipped
    network = load_model(folder, torch.float32)
    ids = ramble(network.context, network.vocabulary)
    theirs = logits_of(reference, ids)
    assert (logits_of(network, ids) - theirs).abs().max() < TOLERANCE
    assert theirs.std() > 1


def test_shipped_models_in_bfloat16(shipped, logits_of):
    """bf16 keeps 8 bits: where logits span 20, none is off by 0.5, and 0.05 on average."""
    folder, reference = shipped
    network = load_model(folder, torch.bfloat16)
    ids = ramble(200, network.vocabulary)
    error = (logits_of(network, ids) - logits_of(reference, ids)).abs()
    assert error.max() < 0.5
    assert error.mean() < 0.05


def test_shipped_configs_are_whole(shipped):
    folder, _ = shipped
    raw = json.loads((folder / "config.json").read_text())
    assert raw["architectures"] == ["GPT2LMHeadModel"]
    assert raw["n_positions"] == 512
