"""Broken checkpoints: each is refused by a message that names the file or the tensor."""

import json

import pytest
from safetensors.torch import load_file
from safetensors.torch import save_file

from ruvon.errors import RuvonError
from ruvon.models import ConfigError
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.weights import WeightsError


@pytest.fixture
def folder(reference_gpt2, tmp_path):
    reference_gpt2(tmp_path)
    return tmp_path


@pytest.fixture
def sharded(reference_gpt2, tmp_path):
    reference_gpt2(tmp_path, save={"max_shard_size": "20KB"})
    return tmp_path


def edit(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def configure(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_no_config(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        load_model(tmp_path)


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ("[1]", "not a JSON object")])
def test_a_broken_config(folder, text, said):
    (folder / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_model(folder)


@pytest.mark.parametrize("names", [None, [], ["LlamaForCausalLM"], ["GPT2Model"]])
def test_an_unknown_architecture(folder, names):
    configure(folder, architectures=names)
    with pytest.raises(ConfigError, match="are unknown; Ruvon runs GPT2LMHeadModel"):
        load_model(folder)


def test_heads_that_do_not_divide_the_width(folder):
    configure(folder, n_head=5)
    with pytest.raises(RuvonError, match="n_embd 32 does not divide into n_head 5"):
        load_model(folder)


def test_a_config_of_another_shape(folder):
    configure(folder, n_positions=50)
    with pytest.raises(WeightsError, match=r"wpe.weight is \[40, 32\], but .* \[50, 32\]"):
        load_model(folder)


def test_more_layers_than_the_file_has(folder):
    configure(folder, n_layer=3)
    with pytest.raises(WeightsError, match=r"tensor h\.2\.ln_1\.weight \[32\] is missing"):
        load_model(folder)


def test_fewer_layers_than_the_file_has(folder):
    configure(folder, n_layer=1)
    with pytest.raises(WeightsError, match="12 tensors belong to no part of the model"):
        load_model(folder)


def test_an_untied_head_that_is_not_there(folder):
    configure(folder, tie_word_embeddings=False)
    with pytest.raises(WeightsError, match=r"tensor lm_head\.weight \[61, 32\] is missing"):
        load_model(folder)


def test_a_tensor_under_both_names(folder):
    def double(tensors):
        tensors["wte.weight"] = tensors["transformer.wte.weight"].clone()

    edit(folder, double)
    with pytest.raises(WeightsError, match=r"wte\.weight stands twice"):
        load_model(folder)


@pytest.mark.parametrize("kept", [0, 4, 7, 8, 100, 5000, -1])
def test_a_truncated_file(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"model\.safetensors: not a whole .*fetch it again"):
        load_model(folder)


def test_a_stored_head_that_contradicts_the_tie(folder):
    def change(tensors):
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"] + 1

    edit(folder, change)
    with pytest.raises(WeightsError, match=r"1 tensors belong to no part .* lm_head\.weight"):
        load_model(folder)


def test_an_empty_folder_of_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        load_model(folder)


def test_an_index_that_names_an_absent_shard(sharded):
    gone = sorted(sharded.glob("model-*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(WeightsError, match=f"{gone.name} is named in .* but is not there"):
        load_model(sharded)


def test_a_truncated_shard(sharded):
    cut = sorted(sharded.glob("model-*.safetensors"))[1]
    cut.write_bytes(cut.read_bytes()[:-9])
    with pytest.raises(WeightsError, match=f"{cut.name}: not a whole safetensors file"):
        load_model(sharded)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": 3}'])
def test_a_broken_index(sharded, text):
    (sharded / "model.safetensors.index.json").write_text(text)
    with pytest.raises(WeightsError, match=r"index\.json: not an index of shards"):
        load_model(sharded)


def test_an_index_does_not_reach_outside(sharded):
    index = sharded / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"wte.weight": "../elsewhere.safetensors"}}))
    with pytest.raises(WeightsError, match="lies outside of the folder"):
        load_model(sharded)


def test_the_shape_alone_needs_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert len(read_shape(folder).layers) == 2
