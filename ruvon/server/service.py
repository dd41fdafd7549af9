"""Part 4 · Service: what the routes share. It turns what a client sent into requests."""

import time
import uuid
from collections.abc import AsyncGenerator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from ruvon.engine.backend import Backend
from ruvon.engine.backend import Request
from ruvon.engine.generate import Increment
from ruvon.sampling.params import SamplingParams
from ruvon.server.errors import APIError
from ruvon.server.schemas import OPENAI_FIELDS
from ruvon.server.schemas import Generation
from ruvon.tokenizer import Tokenizer


@dataclass(frozen=True)
class Service:
    """A model that is served."""

    # The name that clients call it by.
    name: str
    tokenizer: Tokenizer
    # The longest sequence, and the number of ids there are.
    context: int
    vocabulary: int
    backend: Backend
    # Jinja source that makes a prompt of messages; None takes the plain one.
    chat_template: str | None = None
    device: str = "cpu"
    # Of the teaching endpoints, where a client says nothing.
    max_new_tokens: int = 64
    created: int = field(default_factory=lambda: int(time.time()))

    def check(self, asked: Generation) -> list[str]:
        """Refuse another model, and fields that are not there. -> the names of those ignored."""
        if asked.model is not None and asked.model != self.name:
            raise APIError(
                f"there is no model {asked.model!r} here; this server has {self.name!r}",
                status=404,
                param="model",
                code="model_not_found",
            )
        refused = sorted(OPENAI_FIELDS.intersection(asked.extra))
        if refused:
            raise APIError(
                f"{refused[0]} would change the answer and is not implemented; leave it out",
                param=refused[0],
            )
        if asked.stream_options is not None and not asked.stream:
            raise APIError("stream_options is only for stream: true", param="stream_options")
        return sorted(asked.extra)

    def prompts(self, given: object) -> list[list[int]]:
        """The ids of each prompt: of a text, ids, or a list of either. Raises APIError."""
        assert isinstance(given, str | list)
        many = [given] if isinstance(given, str) or is_ids(given) else given
        if not many:
            raise APIError("prompt is an empty list; give at least one", param="prompt")
        return [self.ids(prompt) for prompt in many]

    def ids(self, prompt: str | Sequence[int], param: str = "prompt") -> list[int]:
        """The ids of one prompt, which must leave room for an answer. Raises APIError."""
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        if not ids:
            raise APIError("the prompt is empty; give at least one token", param=param)
        for token in ids:
            if token >= self.vocabulary:
                raise APIError(
                    f"token {token} is not in the vocabulary, which is 0-{self.vocabulary - 1}",
                    param=param,
                )
        if len(ids) > self.context:
            raise APIError(
                f"the prompt has {len(ids):,} tokens, and this model takes {self.context:,}",
                param=param,
                code="context_length_exceeded",
            )
        return ids

    def streams(
        self, id: str, prompts: Sequence[Sequence[int]], params: SamplingParams
    ) -> list[AsyncGenerator[Increment, None]]:
        """A stream of increments for each prompt. Nothing runs before it is read."""
        return [
            self.backend.submit(Request(f"{id}-{index}", tuple(prompt), params))
            for index, prompt in enumerate(prompts)
        ]


def is_ids(given: list[object]) -> bool:
    """Whether a list is one prompt of ids, rather than a list of prompts."""
    return bool(given) and all(isinstance(item, int) for item in given)


def new_id(kind: str) -> str:
    """A name for an answer that no other has."""
    return f"{kind}-{uuid.uuid4().hex}"


def as_stops(given: str | list[str] | None) -> tuple[str, ...]:
    """Stop strings as SamplingParams take them."""
    return (given,) if isinstance(given, str) else tuple(given or ())
