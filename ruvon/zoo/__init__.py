"""Part 1 · Which model a name means: one that ships, a folder, or one on the Hub."""

import os
from pathlib import Path

from ruvon.errors import RuvonError

# A stage written out elsewhere finds the weights where they are: they are never copied.
ZOO = Path(os.environ.get("RUVON_ZOO") or Path(__file__).parent)

SHIPPED = ("story", "story-nano")


class ModelNotFound(RuvonError):
    """No model goes by this name."""


def locate(
    model: str | Path = "story",
    revision: str | None = None,  # part 4
) -> Path:
    """The folder of a model: a name that ships, a folder, or a Hub id, which is downloaded.

    Raises ModelNotFound for a name that is none of these.
    """
    name = str(model)
    if revision is not None:  # part 4
        return of_revision(name, revision)
    if name in SHIPPED:
        return ZOO / name
    try:
        folder = Path(name).expanduser()
        is_folder, is_file = folder.is_dir(), folder.is_file()
    except (OSError, RuntimeError) as error:  # a name too long, or the ~ of nobody
        raise ModelNotFound(f"{name[:80]!r} cannot be a folder: {error}") from None
    if is_folder:
        return folder
    if is_file:
        raise ModelNotFound(f"{name} is a file; name the folder that holds it and config.json")
    if looks_like_hub_id(name):
        from ruvon.zoo.hub import fetch

        return fetch(name)
    raise ModelNotFound(
        f"no model {name!r}: not one that ships ({', '.join(SHIPPED)}), not a folder, and not a "
        "Hub id such as gpt2 or openai-community/gpt2"
    )


def of_revision(name: str, revision: str) -> Path:  # part 4
    """The folder of a Hub id at a branch, tag or commit. Raises ModelNotFound."""
    if name in SHIPPED or Path(name).expanduser().is_dir() or not looks_like_hub_id(name):
        raise ModelNotFound(f"{name!r} is no Hub id, so it has no revision {revision!r}")
    from ruvon.zoo.hub import fetch

    return fetch(name, revision)


def looks_like_hub_id(name: str) -> bool:
    """Whether `name` has the form of a Hub id: `model` or `owner/model`."""
    words = name.split("/")
    return 1 <= len(words) <= 2 and all(
        word
        and word[0] not in "."
        and word.replace("-", "").replace("_", "").replace(".", "").isalnum()
        for word in words
    )
