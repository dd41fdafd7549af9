"""Part 1 · Models: a network from a folder in Hugging Face's layout."""

import json
from collections.abc import Callable  # part 3
from pathlib import Path
from typing import Any

import torch

from ruvon.errors import RuvonError
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.weights import Checkpoint
from ruvon.models.weights import CheckpointLoader
from ruvon.seams import Loader
from ruvon.seams import Model

# What `architectures` in config.json may say, and who reads the rest of that file.
ARCHITECTURES: dict[str, tuple[type[GPT2Config], type[GPT2]]] = {
    "GPT2LMHeadModel": (GPT2Config, GPT2),
}


class ConfigError(RuvonError):
    """A `config.json` that is absent, broken, or of a model that Ruvon does not know."""


def read_config(folder: Path) -> dict[str, Any]:
    """The contents of `config.json`."""
    file = folder / "config.json"
    if not file.is_file():
        raise ConfigError(f"{folder}: no config.json, so this is no model folder")
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON ({error})") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: not a JSON object")
    return raw


def architecture(folder: Path) -> tuple[GPT2Config, type[GPT2]]:
    """The shape of a folder's model, and the class that computes it. Raises ConfigError."""
    raw = read_config(folder)
    names = raw.get("architectures") or []
    listed = names if isinstance(names, list) else [names]
    known = [name for name in ARCHITECTURES if name in listed]
    if not known:
        raise ConfigError(
            f"{folder / 'config.json'}: architectures {names} are unknown; "
            f"Ruvon runs {', '.join(ARCHITECTURES)}"
        )
    config_class, model_class = ARCHITECTURES[known[0]]
    try:
        return config_class.from_dict(raw), model_class
    except RuvonError as error:
        raise ConfigError(f"{folder / 'config.json'}: {error}") from None


def read_shape(folder: Path) -> GPT2Config:
    """The shape of a folder's model, without its weights."""
    return architecture(folder)[0]


def load_model(
    folder: Path,
    dtype: torch.dtype = torch.float32,
    device: torch.device = torch.device("cpu"),
    wrap: Callable[[Loader], Loader] | None = None,  # part 3
) -> Model:
    """The model of a folder. Raises ConfigError or WeightsError (both RuvonError)."""
    config, model_class = architecture(folder)
    checkpoint = Checkpoint(folder)
    loader: Loader = CheckpointLoader(checkpoint, dtype, device)
    if wrap is not None:  # part 3
        loader = wrap(loader)
    model = model_class(config, loader)
    checkpoint.check_all_taken()
    return model
