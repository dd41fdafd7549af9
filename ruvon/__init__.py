"""Part 1 · Ruvon, an LLM inference engine that teaches.

Importing it costs nothing: the names below are looked up when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

from ruvon.version import __version__ as __version__

if TYPE_CHECKING:
    from ruvon.llm import LLM as LLM  # part 2
    from ruvon.sampling.params import SamplingParams as SamplingParams  # part 2
    from ruvon.tokenizer import Tokenizer as Tokenizer

# Each public name and the module that defines it.
PUBLIC = {
    "LLM": "ruvon.llm",  # part 2
    "SamplingParams": "ruvon.sampling.params",  # part 2
    "Tokenizer": "ruvon.tokenizer",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'ruvon' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What tab completion offers."""
    return sorted([*PUBLIC, "__version__"])
