"""Part 4 · Chat templates: messages become a prompt, by the model's own Jinja program."""

import json
from collections.abc import Mapping
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ruvon.errors import RuvonError

# For a base model, which knows no roles: each text on a line of its own, then one for the answer.
PLAIN = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
LONGEST = 2**20  # characters that a template may make


def render(template: str, messages: Sequence[Mapping[str, str]]) -> str:
    """The prompt that a template makes of messages, each with role and content.

    The template is a stranger's program: it runs in Jinja's sandbox, and cannot change what it is
    given. Raises RuvonError.
    """

    def refuse(message: str) -> None:
        raise TemplateError(message)

    try:
        made: str = compiled(template).render(
            messages=messages,
            add_generation_prompt=True,
            raise_exception=refuse,
            bos_token="",
            eos_token="",
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise RuvonError(f"the chat template refuses these messages: {error}") from None
    if len(made) > LONGEST:
        raise RuvonError(f"the chat template makes {len(made):,} characters of it")
    return made


@lru_cache(maxsize=8)
def compiled(template: str) -> Any:
    """A template, ready to be rendered."""
    return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template)


def read_template(folder: Path, given: str | None = None) -> str | None:
    """The chat template in a given file, or that of a model's folder, if it has one.

    Raises RuvonError for a file that is not there.
    """
    if given is not None:
        try:
            return Path(given).read_text(encoding="utf-8")
        except OSError as error:
            raise RuvonError(f"the chat template {given} cannot be read: {error}") from None
    alone = folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text(encoding="utf-8")
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return None
    found = json.loads(config.read_text(encoding="utf-8")).get("chat_template")
    return found if isinstance(found, str) else None
