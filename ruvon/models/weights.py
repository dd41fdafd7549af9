"""Part 1 · Weights from a folder: memory-mapped safetensors, checked name by name."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import safe_open
from torch import Tensor

from ruvon.errors import RuvonError
from ruvon.models.layers import DenseEmbedding
from ruvon.models.layers import DenseLinear
from ruvon.models.layers import LayerNorm
from ruvon.processor import release  # part 3

# Buffers that old GPT-2 files carry and no weight depends on: the causal mask, and its filler.
IGNORED = (".attn.bias", ".attn.masked_bias")
# A head that is tied to the embedding, and that some files hold a second time all the same.
TIED = {"lm_head.weight": "wte.weight"}
# How a file may hold its numbers.
FORMATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


class WeightsError(RuvonError):
    """A checkpoint that cannot be used: which file or tensor, what was expected, what to do."""


class Checkpoint:
    """The tensors of a folder by name, read when they are asked for.

    Takes `model.safetensors`, or shards listed in `model.safetensors.index.json`. The names may
    carry the prefix `transformer.` or not.
    """

    def __init__(self, folder: Path, prefix: str = "transformer.") -> None:
        self.folder = folder
        self.prefix = prefix
        self.files: dict[str, Any] = {}  # open memory maps, by file name
        self.home: dict[str, str] = {}  # the file of each tensor, by its name without prefix
        self.full_name: dict[str, str] = {}
        self.taken: set[str] = set()
        # The last tensor that was handed out. It has most likely been converted by the next time.
        self.before: Tensor | None = None  # part 3
        for file in shard_names(folder):
            self.files[file] = open_shard(folder / file)
            for name in self.files[file].keys():  # noqa: SIM118 (not a dict)
                short = name.removeprefix(prefix)
                if short in self.home:
                    raise WeightsError(f"{folder}: tensor {short} stands twice in the checkpoint")
                self.home[short], self.full_name[short] = file, name

    def __contains__(self, name: str) -> bool:
        return name in self.home

    def take(self, name: str, *shape: int) -> Tensor:
        """The tensor called `name`, which must have this shape. Still on disk, memory-mapped."""
        if name not in self.home:
            raise WeightsError(
                f"{self.folder}: tensor {name} {list(shape)} is missing; the checkpoint has "
                f"{len(self.home)} tensors, such as {', '.join(sorted(self.home)[:3])}"
            )
        tensor: Tensor = self.files[self.home[name]].get_tensor(self.full_name[name])
        if tensor.shape != shape:
            raise WeightsError(
                f"{self.folder}: tensor {name} is {list(tensor.shape)}, but config.json makes it "
                f"{list(shape)}"
            )
        if tensor.dtype not in FORMATS:
            raise WeightsError(
                f"{self.folder}: tensor {name} holds {tensor.dtype}; expected float32, float16 or "
                "bfloat16 (numbers of a quantized model mean nothing without their scales)"
            )
        self.taken.add(name)
        if self.before is not None:  # part 3
            release(self.before)
        self.before = tensor  # part 3
        return tensor

    def numbers(self) -> int:
        """How many numbers the model's tensors hold, read from the files' headers."""
        names = [n for n in self.home if not n.endswith(IGNORED) and not self.repeats(n)]
        slices = (self.files[self.home[n]].get_slice(self.full_name[n]) for n in names)
        shapes: list[list[int]] = [part.get_shape() for part in slices]
        return sum(math.prod(shape) for shape in shapes)

    def repeats(self, name: str) -> bool:
        """Whether a tensor holds nothing but a copy of the one that it is tied to."""
        if TIED.get(name) not in self.home:
            return False
        pair = (name, TIED[name])
        one, other = (self.files[self.home[n]].get_tensor(self.full_name[n]) for n in pair)
        return torch.equal(one, other)

    def check_all_taken(self) -> None:
        """Refuse a checkpoint with tensors that no part of the model asked for."""
        extra = sorted(n for n in self.home if n not in self.taken and not n.endswith(IGNORED))
        extra = [name for name in extra if not self.repeats(name)]
        if extra:
            raise WeightsError(
                f"{self.folder}: {len(extra)} tensors belong to no part of the model that "
                f"config.json describes: {', '.join(extra[:5])}"
            )


def shard_names(folder: Path) -> list[str]:
    """The safetensors files of a folder, one or many."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        try:
            files = sorted(
                set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise WeightsError(f"{index}: not an index of shards ({error})") from None
        unsafe = [file for file in files if not isinstance(file, str) or Path(file).name != file]
        if unsafe:
            raise WeightsError(f"{index}: {unsafe[0]} lies outside of the folder")
        missing = [file for file in files if not (folder / file).exists()]
        if missing:
            raise WeightsError(f"{folder}: {missing[0]} is named in {index.name} but is not there")
        return files
    if (folder / "model.safetensors").exists():
        return ["model.safetensors"]
    if any(folder.glob("pytorch_model*.bin")):
        raise WeightsError(
            f"{folder} holds its weights as a pickle, which can run code when it is opened. "
            f"Convert it once, in a process of its own: ruvon convert {folder}"
        )
    raise WeightsError(f"{folder}: no model.safetensors (and no model.safetensors.index.json)")


def open_shard(file: Path) -> Any:
    """A memory map of one file, or an error that says how it is broken."""
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        size = file.stat().st_size
        raise WeightsError(
            f"{file}: not a whole safetensors file ({size:,} bytes; {error}); fetch it again"
        ) from None


class CheckpointLoader:
    """Hands a model its pieces from a checkpoint, in one number format on one device.

    GPT-2's files keep projections as Conv1D, [inputs, outputs]; `torch.nn.functional.linear`
    wants [outputs, inputs]. The transpose is a view, so nothing is copied for it.
    """

    def __init__(self, checkpoint: Checkpoint, dtype: torch.dtype, device: torch.device) -> None:
        self.checkpoint = checkpoint
        self.dtype = dtype
        self.device = device
        self.tables: dict[str, Tensor] = {}  # so that a tied head shares the embedding's memory

    def tensor(self, name: str, *shape: int) -> Tensor:
        """One checked tensor, where and how the model computes."""
        return self.checkpoint.take(name, *shape).to(device=self.device, dtype=self.dtype)

    def linear(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """A projection of a GPT-2 block."""
        weight = self.tensor(f"{name}.weight", inputs, outputs).t()  # [outputs, inputs]
        return DenseLinear(weight, self.tensor(f"{name}.bias", outputs))

    def embedding(self, name: str, rows: int, width: int) -> DenseEmbedding:
        """A table."""
        self.tables[name] = self.tensor(f"{name}.weight", rows, width)
        return DenseEmbedding(self.tables[name])

    def norm(self, name: str, width: int, eps: float) -> LayerNorm:
        """A layer norm."""
        weight, bias = (self.tensor(f"{name}.{part}", width) for part in ("weight", "bias"))
        return LayerNorm(weight, bias, eps)

    def head(self, name: str, inputs: int, outputs: int) -> DenseLinear:
        """The projection to the vocabulary; under the embedding's name, it is tied to it."""
        if name in self.tables:
            return DenseLinear(self.tables[name])
        return DenseLinear(self.tensor(f"{name}.weight", outputs, inputs))
