"""From a pickle to safetensors: tensors only, and no code of the pickle runs."""

import os
import pickle

import pytest
import torch

from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.models.convert import convert
from ruvon.models.weights import WeightsError

IDS = [5, 60, 0, 17, 33]


@pytest.fixture
def pickled(reference_gpt2, tmp_path):
    """A folder as it was saved before safetensors, and the reference that it holds."""
    reference = reference_gpt2(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    return tmp_path, reference


def test_a_pickle_becomes_a_model(pickled, logits_of):
    folder, reference = pickled
    with pytest.raises(WeightsError, match="ruvon convert"):
        load_model(folder)
    assert convert(folder) == folder / "model.safetensors"
    assert (logits_of(load_model(folder), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4
    assert (folder / "pytorch_model.bin").exists()


def test_the_command_says_what_it_wrote(pickled, invoke):
    result = invoke("convert", str(pickled[0]))
    assert result.exit_code == 0
    assert "model.safetensors" in result.stdout


def test_several_pickles_become_one_file(pickled, logits_of):
    """A head that was tied lies in another shard, and so is a copy of its own."""
    folder, reference = pickled
    tensors = list(reference.state_dict().items())
    (folder / "pytorch_model.bin").unlink()
    torch.save(dict(tensors[:9]), folder / "pytorch_model-00001-of-00002.bin")
    torch.save(dict(tensors[9:]), folder / "pytorch_model-00002-of-00002.bin")
    convert(folder)
    assert (logits_of(load_model(folder), IDS) - logits_of(reference, IDS)).abs().max() < 1e-4


class Malicious:
    """What `torch.load` of old would have run."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("write", [torch.save, lambda data, f: f.write_bytes(pickle.dumps(data))])
def test_the_code_of_a_pickle_does_not_run(tmp_path, write):
    proof = tmp_path / "it ran"
    write({"wte.weight": Malicious(proof)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(RuvonError, match="cannot convert"):
        convert(tmp_path)
    assert not proof.exists()
    assert not (tmp_path / "model.safetensors").exists()
    pickle.loads(pickle.dumps(Malicious(proof)))
    assert proof.exists()  # so it is malicious indeed


def test_nothing_to_convert(tmp_path):
    with pytest.raises(RuvonError, match=r"no pytorch_model\*\.bin"):
        convert(tmp_path)


def test_a_pickle_without_tensors(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "pytorch_model.bin")
    with pytest.raises(RuvonError, match=r"cannot convert .*no tensors"):
        convert(tmp_path)


def test_what_is_there_already_is_kept(pickled):
    folder, _ = pickled
    (folder / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(RuvonError, match="exists already"):
        convert(folder)
    assert (folder / "model.safetensors").read_bytes() == b"precious"
