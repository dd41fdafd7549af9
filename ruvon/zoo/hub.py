"""Part 1 · A model from the Hugging Face Hub: fetched when asked for by name, and only then."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ruvon.errors import RuvonError

# What a model folder needs. Pickles are left where they are.
WANTED = (
    "chat_template.jinja",  # part 4
    "config.json",
    "merges.txt",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
)


class HubError(RuvonError):
    """A model that could not be fetched: why, and what to do."""


def fetch(
    name: str,
    revision: str | None = None,  # part 4
) -> Path:
    """Download the model `name` unless it is here, and give its folder.

    Honours HF_HUB_OFFLINE, HF_ENDPOINT and HF_HOME. Raises HubError.
    """
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        raise HubError(
            f"model {name!r} is not here, and fetching it needs: pip install 'ruvon[hub]'"
        ) from None

    try:
        folder = huggingface_hub.snapshot_download(
            name,
            allow_patterns=list(WANTED),
            local_files_only=True,
            revision=revision,  # part 4
        )
        if is_whole(Path(folder)):
            return Path(folder)
    except LocalEntryNotFoundError:
        pass
    except HFValidationError as error:
        raise HubError(f"{name!r} can be no Hub id: {error}") from None
    if huggingface_hub.is_offline_mode():
        raise HubError(
            f"model {name!r} is not in the local cache, and HF_HUB_OFFLINE is set; unset it to "
            "download, or name a folder or a model that ships: story, story-nano"
        )
    try:
        announce(
            name,
            huggingface_hub.HfApi().model_info(
                name,
                files_metadata=True,
                revision=revision,  # part 4
            ),
        )
        return Path(
            huggingface_hub.snapshot_download(
                name,
                allow_patterns=list(WANTED),
                revision=revision,  # part 4
            )
        )
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        reason = "there is no such model" if status in (401, 404) else str(error).splitlines()[0]
        if revision is not None and status == 404:  # part 4
            reason = f"there is no such model, or it has no revision {revision!r}"
        raise HubError(f"cannot download {name!r}: {reason}") from None
    except HubError:
        raise
    except Exception as error:  # the HTTP library's errors share no other base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        endpoint = os.environ.get("HF_ENDPOINT", "the Hugging Face Hub")
        raise HubError(f"cannot download {name!r} from {endpoint}: {reason}") from None


def is_whole(folder: Path) -> bool:
    """Whether a cached folder has its config and weights: a download may have been cut off."""
    index = folder / "model.safetensors.index.json"
    weights = ["model.safetensors"]
    if index.exists():
        weights = list(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return all((folder / name).exists() for name in ("config.json", *weights))


def announce(name: str, info: Any) -> None:
    """Say what will be downloaded and how much it is."""
    from fnmatch import fnmatch

    files = [f for f in info.siblings if any(fnmatch(f.rfilename, want) for want in WANTED)]
    if not any(f.rfilename.endswith(".safetensors") for f in files):
        raise HubError(f"{name!r} has no safetensors on the Hub; Ruvon does not open pickles")
    size = sum(f.size or 0 for f in files)
    print(f"Downloading {name}: {len(files)} files, {size / 1e6:,.1f} MB", file=sys.stderr)
