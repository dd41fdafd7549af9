"""Which folder a model's name means."""

import pytest

from ruvon.zoo import SHIPPED
from ruvon.zoo import ZOO
from ruvon.zoo import ModelNotFound
from ruvon.zoo import locate
from ruvon.zoo import looks_like_hub_id


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_there(name):
    assert locate(name) == ZOO / name
    assert (ZOO / name / "config.json").exists()
    assert (ZOO / name / "model.safetensors").stat().st_size < 16e6


def test_story_is_the_default():
    assert locate() == ZOO / "story"


def test_a_folder(tmp_path, monkeypatch):
    assert locate(tmp_path) == tmp_path
    assert locate(str(tmp_path)) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert locate("~/model") == tmp_path / "model"


def test_a_file_is_not_a_model(tmp_path):
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelNotFound, match="is a file; name the folder that holds it"):
        locate(tmp_path / "model.safetensors")


@pytest.mark.parametrize("name", ["/no/such/folder", "./here", "../up", "a/b/c", "what?", "a b"])
def test_neither_folder_nor_hub_id(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match=r"not one that ships \(story, story-nano\), not a fol"):
        locate(name)


@pytest.mark.parametrize("name", ["gpt2", "openai-community/gpt2", "a_b/c.d-e", "distilgpt2"])
def test_hub_ids(name):
    assert looks_like_hub_id(name)
