"""Input that is odd but comes: each was once a wrong answer or a stack of internals."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file

from ruvon.errors import RuvonError
from ruvon.llm import LLM
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.tokenizer import Tokenizer
from ruvon.tokenizer import TokenizerError
from ruvon.zoo import locate


@pytest.fixture(scope="module")
def nano():
    return LLM("story-nano", dtype="float32", device="cpu")


@pytest.fixture
def folder(tmp_path):
    """A copy of story-nano's config and weights, without its vocabulary."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(locate("story-nano") / name, tmp_path / name)
    return tmp_path


def change(folder, **fields):
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_arrays_and_tensors_are_ids(nano):
    expected = nano.generate([[1, 2, 3]], max_tokens=4)[0].outputs[0].token_ids
    for ids in (np.array([1, 2, 3]), torch.tensor([1, 2, 3])):
        assert nano.generate(ids, max_tokens=4)[0].outputs[0].token_ids == expected
        assert nano.generate([ids], max_tokens=4)[0].outputs[0].token_ids == expected


@pytest.mark.parametrize("prompts", [None, 5, [[True, False]], [[1.5]], [[-1]], [[2048]]])
def test_what_is_no_prompt_is_refused(nano, prompts):
    with pytest.raises(RuvonError):
        nano.generate(prompts)


@pytest.mark.parametrize("params", [5, [3], {"max_tokens": 2}])
def test_what_is_no_sampling_params_is_refused(nano, params):
    with pytest.raises(RuvonError, match="SamplingParams"):
        nano.generate("a", params)


@pytest.mark.parametrize("most", ["5", 5.0, 0, 513])
def test_a_length_that_is_none_is_refused(most):
    with pytest.raises(RuvonError, match="max_model_len"):
        LLM("story-nano", max_model_len=most)


def test_stop_ids_may_come_from_an_iterator():
    assert SamplingParams(stop_token_ids=iter([5, 6])).stop_token_ids == (5, 6)


def test_a_folder_without_a_vocabulary_stops_at_the_end_that_its_config_names(folder):
    assert LLM(folder, dtype="float32").eos_id == 2047


def test_ids_of_a_text_are_held_to_the_models_vocabulary(folder):
    change(folder, vocab_size=300)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"][:300].clone()
    save_file(tensors, file)
    for name in ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(locate("story-nano") / name, folder / name)
    with pytest.raises(RuvonError, match="not in the vocabulary"):
        LLM(folder).generate("Once upon a time")


def test_numbers_without_their_scales_are_refused(folder):
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = "transformer.h.0.mlp.c_fc.weight"
    tensors[name] = tensors[name].to(torch.int8)
    save_file(tensors, file)
    with pytest.raises(RuvonError, match=r"h\.0\.mlp\.c_fc\.weight holds torch\.int8"):
        load_model(folder)


@pytest.mark.parametrize(
    "fields",
    [
        {"n_head": 0},
        {"n_head": "2"},
        {"n_layer": None},
        {"tie_word_embeddings": "false"},
        {"layer_norm_epsilon": "1e-5"},
        {"activation_function": []},
        {"architectures": 5},
    ],
    ids=str,
)
def test_a_config_of_the_wrong_kind_is_refused_by_name(folder, fields):
    change(folder, **fields)
    with pytest.raises(RuvonError, match=r"config\.json"):
        load_model(folder)


@pytest.mark.parametrize("name", ["gpt2-", "a--b", "é/é", "~nouser/x", "x" * 300])
def test_a_name_that_can_be_no_model_is_refused(name):
    with pytest.raises(RuvonError):
        locate(name)


def with_tokenizer(tmp_path, edit):
    data = json.loads((locate("story") / "tokenizer.json").read_text(encoding="utf-8"))
    edit(data)
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return tmp_path


def test_added_tokens_that_stand_in_every_text_are_refused(tmp_path):
    token = {"id": 2048, "content": "princess!", "special": False, "normalized": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    folder = with_tokenizer(tmp_path, lambda d: d["added_tokens"].append({**token, **flags}))
    with pytest.raises(TokenizerError, match="princess"):
        Tokenizer.from_dir(folder)


def test_an_entry_that_only_ignore_merges_would_make_is_refused(tmp_path):
    def edit(data):
        data["model"]["ignore_merges"] = True
        data["model"]["vocab"]["xqzj"] = 2048

    with pytest.raises(TokenizerError, match="ignore_merges"):
        Tokenizer.from_dir(with_tokenizer(tmp_path, edit))


def test_a_merge_that_can_never_happen_is_refused(tmp_path):
    def edit(data):
        data["model"]["vocab"] |= {"xqz": 2048, "xqzj": 2049}
        data["model"]["merges"].append(["xqz", "j"])

    with pytest.raises(TokenizerError, match="never made by its merge"):
        Tokenizer.from_dir(with_tokenizer(tmp_path, edit))
