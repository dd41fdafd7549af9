"""Which device and which number format a name picks, on machines that we do not have."""

import pytest
import torch

from ruvon import device
from ruvon.device import pick_device
from ruvon.device import pick_dtype
from ruvon.errors import RuvonError


@pytest.fixture
def machine(monkeypatch):
    """Pretends that torch finds these kinds of device."""

    def pretend(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


def test_auto_takes_the_fastest(machine):
    machine()
    assert pick_device() == torch.device("cpu")
    machine(mps=True)
    assert pick_device("auto") == torch.device("mps")
    machine(cuda=2, mps=True)
    assert pick_device("auto") == torch.device("cuda")


def test_a_name_picks_its_device(machine):
    machine(cuda=2)
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("cuda:1") == torch.device("cuda", 1)


def test_an_absent_device_hears_what_is_there(machine):
    machine()
    with pytest.raises(RuvonError, match=r"'cuda' is not on this machine; here are: cpu$"):
        pick_device("cuda")
    machine(cuda=1)
    with pytest.raises(RuvonError, match=r"'mps' is not on this machine; here are: cuda, cpu$"):
        pick_device("mps")
    with pytest.raises(RuvonError, match=r"'cuda:3': this machine has 1 GPU"):
        pick_device("cuda:3")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:x", "cuda:-1", "cuda:", "CPU", "cpu:4"])
def test_no_device_at_all(machine, name):
    machine(cuda=1)
    with pytest.raises(RuvonError, match="is not one of auto, cpu, cuda, mps"):
        pick_device(name)


def test_the_dtype_that_a_device_computes_fast(monkeypatch):
    for has, best in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(device, "has_bf16_instructions", lambda has=has: has)
        assert pick_dtype(None, torch.device("cpu")) is best
        assert pick_dtype("auto", torch.device("cpu")) is best
        assert pick_dtype(None, torch.device("cuda")) is torch.bfloat16
    assert pick_dtype("fp16", torch.device("cpu")) is torch.float16
    with pytest.raises(RuvonError, match="dtype 'int3' is not one of auto, float32"):
        pick_dtype("int3", torch.device("cpu"))
