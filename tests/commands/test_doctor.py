"""`ruvon doctor`: what it says about the machine, and that its bytes are what loading takes."""

import re

import pytest
import torch

from ruvon.attention import new_attention
from ruvon.models import load_model
from ruvon.zoo import SHIPPED
from ruvon.zoo import locate


def test_the_machine(invoke):
    result = invoke("doctor")
    assert result.exit_code == 0, result.exception
    for word in ("ruvon", "torch 2.", "devices", "cpu", "dtype", "threads", "free memory", "parts"):
        assert word in result.stdout
    [gigabytes] = re.findall(r"free memory +([\d.]+) GB", result.stdout)
    assert 0 < float(gigabytes) < 100_000


def test_an_absent_device(invoke, monkeypatch):
    monkeypatch.setattr("ruvon.device.available_devices", lambda: ["cpu"])
    result = invoke("doctor", "--device", "cuda")
    assert "'cuda' is not on this machine; here are: cpu" in str(result.exception)


def tensors_of(thing):
    """Every tensor that can be reached from an object."""
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, list | tuple):
        for element in thing:
            yield from tensors_of(element)
    elif hasattr(thing, "__dict__"):
        yield from tensors_of(list(vars(thing).values()))


def storage_bytes(thing):
    """The memory behind an object's tensors, shared storage counted once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage() for t in tensors_of(thing)}
    return sum(storage.nbytes() for storage in storages.values())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("model", [*SHIPPED, "tiny", "untied", "buffers"])
def test_its_bytes_are_what_loading_takes(invoke, tiny, reference_gpt2, tmp_path, model, dtype):
    folder = tiny if model == "tiny" else locate(model) if model in SHIPPED else tmp_path
    if model == "untied":
        reference_gpt2(tmp_path, tie_word_embeddings=False)
    if model == "buffers":
        from safetensors.torch import load_file
        from safetensors.torch import save_file

        reference_gpt2(tmp_path)
        file = tmp_path / "model.safetensors"
        save_file(load_file(file) | {"h.0.attn.bias": torch.ones(1, 1, 40, 40)}, file)
    result = invoke("doctor", str(folder), "--dtype", dtype)
    assert result.exit_code == 0, result.exception
    [weights] = re.findall(r"weights +([\d,]+) bytes in " + dtype, result.stdout)
    [(token, whole)] = re.findall(
        r"cache +([\d,]+) bytes a token, ([\d,]+) a full context", result.stdout
    )
    network = load_model(folder, getattr(torch, dtype))
    cache = storage_bytes(new_attention("cached", network, network.context))
    said = [int(number.replace(",", "")) for number in (weights, token, whole)]
    assert said[0] == pytest.approx(storage_bytes(network), rel=0.02)
    assert said[1] * network.context == said[2] == cache
