"""What a model folder must hold, and what is said when it does not."""

import json

import pytest
import torch
from safetensors.torch import save_file

from ruvon.models import ConfigError
from ruvon.models import load_model
from ruvon.models.weights import WeightsError

D, VOCABULARY, CONTEXT = 8, 32, 16
CONFIG = {
    "architectures": ["GPT2LMHeadModel"],
    "vocab_size": VOCABULARY,
    "n_positions": CONTEXT,
    "n_embd": D,
    "n_layer": 1,
    "n_head": 2,
}
# Every tensor of a GPT-2 with one layer. Its projections are [inputs, outputs].
SHAPES = {
    "wte.weight": [VOCABULARY, D],
    "wpe.weight": [CONTEXT, D],
    "h.0.ln_1.weight": [D],
    "h.0.ln_1.bias": [D],
    "h.0.attn.c_attn.weight": [D, 3 * D],
    "h.0.attn.c_attn.bias": [3 * D],
    "h.0.attn.c_proj.weight": [D, D],
    "h.0.attn.c_proj.bias": [D],
    "h.0.ln_2.weight": [D],
    "h.0.ln_2.bias": [D],
    "h.0.mlp.c_fc.weight": [D, 4 * D],
    "h.0.mlp.c_fc.bias": [4 * D],
    "h.0.mlp.c_proj.weight": [4 * D, D],
    "h.0.mlp.c_proj.bias": [D],
    "ln_f.weight": [D],
    "ln_f.bias": [D],
}


def write(folder, shapes=SHAPES, config=CONFIG):
    (folder / "config.json").write_text(json.dumps(config))
    save_file({n: torch.ones(*s) for n, s in shapes.items()}, folder / "model.safetensors")
    return folder


def test_a_whole_folder_loads(tmp_path):
    network = load_model(write(tmp_path))
    assert (network.context, network.vocabulary, len(network.layers)) == (CONTEXT, VOCABULARY, 1)


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_tensor_is_named(tmp_path, name):
    some = {n: s for n, s in SHAPES.items() if n != name}
    with pytest.raises(WeightsError, match=f"{name} .* is missing"):
        load_model(write(tmp_path, some))


def test_a_misshapen_tensor_is_named_with_both_shapes(tmp_path):
    turned = SHAPES | {"h.0.mlp.c_fc.weight": [4 * D, D]}
    with pytest.raises(WeightsError, match=r"c_fc.weight is \[32, 8\], but .* \[8, 32\]"):
        load_model(write(tmp_path, turned))


def test_a_tensor_too_many_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"h\.1\.ln_1\.weight"):
        load_model(write(tmp_path, SHAPES | {"h.1.ln_1.weight": [D]}))


def test_half_a_file_is_named(tmp_path):
    file = write(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(WeightsError, match=r"model\.safetensors: not a whole .*2,000 bytes"):
        load_model(tmp_path)


def test_a_pickle_is_refused_with_the_way_out(tmp_path):
    write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"never opened")
    with pytest.raises(WeightsError, match=f"ruvon convert {tmp_path}"):
        load_model(tmp_path)


def test_an_unknown_architecture_hears_of_the_known_ones(tmp_path):
    write(tmp_path, config=CONFIG | {"architectures": ["ElmanNetwork"]})
    with pytest.raises(ConfigError, match=r"ElmanNetwork.*GPT2LMHeadModel"):
        load_model(tmp_path)
