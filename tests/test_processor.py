"""Threads, and memory given back."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from ruvon.errors import RuvonError
from ruvon.models.weights import Checkpoint
from ruvon.processor import lies_in_file
from ruvon.processor import release
from ruvon.processor import usable_cores
from ruvon.processor import use_processor


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_threads_are_what_was_asked_for(threads):
    use_processor(3)
    assert torch.get_num_threads() == 3
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(RuvonError, match="threads must be at least 1"):
            use_processor(wrong)


def test_a_containers_share_limits_them(threads, monkeypatch, tmp_path):
    share = tmp_path / "cpu.max"
    monkeypatch.setattr("ruvon.processor.CPU_SHARE", share)
    torch.set_num_threads(4)
    for text, cores in (("max 100000", 4), ("250000 100000", 2), ("50000 100000", 1)):
        share.write_text(text + "\n")
        assert usable_cores() == cores
    share.write_text("200000 100000\n")
    use_processor()
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_only_mapped_tensors_are_released(tmp_path):
    """A tensor of our own keeps its numbers; a mapped one is read from its file again."""
    ours = torch.arange(1 << 20, dtype=torch.float32)
    save_file({"x": ours}, tmp_path / "model.safetensors")
    mapped = Checkpoint(tmp_path).take("x", 1 << 20)
    assert lies_in_file(mapped.data_ptr())
    assert not lies_in_file(ours.data_ptr())
    for tensor in (ours, mapped):
        release(tensor)
        assert torch.equal(tensor, torch.arange(1 << 20, dtype=torch.float32))


def test_importing_the_engine_compiles_nothing():
    code = "import ruvon, sys; assert not {'ruvon.native', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
