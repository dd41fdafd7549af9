"""Part 4 · Service: what the routes share. It turns what a client sent into requests."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from urllib.parse import quote

from ruvon.engine.backend import Backend
from ruvon.engine.backend import Request
from ruvon.engine.backend import choices  # part 5
from ruvon.sampling.params import SamplingParams
from ruvon.server.errors import APIError
from ruvon.server.schemas import OPENAI_FIELDS
from ruvon.server.schemas import Generation
from ruvon.tokenizer import Tokenizer

# Of the names of ignored fields, so many, and so much of each, are told.
MOST_NAMES, LONGEST_NAME = 32, 64


# After how long a client may try again when the queue is full.
RETRY_SECONDS = "1"  # part 6


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
    # Of one request, and of one prompt; None lets through what fits the context.
    most_prompts: int = 512
    most_prompt_tokens: int | None = None
    # Of the teaching endpoints, where a client says nothing.
    max_new_tokens: int = 64
    temperature: float = 1.0  # part 5
    top_k: int = 0  # part 5
    top_p: float = 1.0  # part 5
    seed: int | None = None  # part 5
    most_logprobs: int = 20  # part 10
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
        most = asked.scoring.get("logprobs") or 0  # part 10
        if most > self.most_logprobs:  # part 10
            raise APIError(
                f"logprobs of {most} tokens are asked for, and this server gives "
                f"{self.most_logprobs} at most",
                param="logprobs",
            )
        if asked.stream_options is not None and not asked.stream:
            raise APIError("stream_options is only for stream: true", param="stream_options")
        return sorted(asked.extra)

    def admit(self, count: int) -> None:  # part 6
        """Refuse so many answers when the queue has no room for all. Raises APIError.

        Asked before a prompt is tokenized: a server that has too much to do does not do more.
        """
        if count <= self.backend.room():
            return
        progress = self.backend.progress()
        if progress.trouble:
            raise APIError(progress.trouble, status=503, code="service_unavailable")
        raise APIError(
            f"{progress.waiting:,} requests wait already, and there is no room for {count:,} more; "
            "try again later",
            status=429,
            code="rate_limit_exceeded",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def prompts(self, given: object) -> list[list[int]]:
        """The ids of each prompt: of a text, ids, or a list of either. Raises APIError."""
        assert isinstance(given, str | list)
        many = [given] if isinstance(given, str) or is_ids(given) else given
        if not many:
            raise APIError("prompt is an empty list; give at least one", param="prompt")
        if len(many) > self.most_prompts:
            raise APIError(
                f"{len(many):,} prompts, and this server takes {self.most_prompts:,} a request",
                param="prompt",
            )
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
        most = self.most_prompt_tokens
        if most is not None and len(ids) > most:
            raise APIError(
                f"the prompt has {len(ids):,} tokens, and this server takes {most:,} a prompt",
                param=param,
                code="context_length_exceeded",
            )
        return ids

    def requests(
        self, id: str, prompts: Sequence[Sequence[int]], params: SamplingParams
    ) -> list[Request]:
        """A request for each answer that is wanted, in the order of their numbers."""
        self.check_ids(params)  # part 5
        made = []
        for index, prompt in enumerate(prompts):
            made.append(Request(f"{id}-{index}", tuple(prompt), params))
            made[-1:] = choices(made[-1])  # part 5
        return made

    def check_ids(self, params: SamplingParams) -> None:  # part 5
        """Refuse a bias for what is not in the vocabulary. Raises APIError."""
        for token, _ in params.logit_bias:
            if token >= self.vocabulary:
                raise APIError(
                    f"token {token} is not in the vocabulary, which is 0-{self.vocabulary - 1}",
                    param="logit_bias",
                )


def is_ids(given: list[object]) -> bool:
    """Whether a list is one prompt of ids, rather than a list of prompts."""
    return bool(given) and all(isinstance(item, int) for item in given)


def how_many(given: object) -> int:  # part 6
    """How many prompts there are, without looking into them."""
    return len(given) if isinstance(given, list) and not is_ids(given) else 1


def new_id(kind: str) -> str:
    """A name for an answer that no other has."""
    return f"{kind}-{uuid.uuid4().hex}"


def as_header(names: Sequence[str]) -> str:
    """Names that a client chose, the first of them, as a header can hold them: percent-encoded."""
    return ", ".join(quote(name[:LONGEST_NAME]) for name in names[:MOST_NAMES])


def as_stops(given: str | list[str] | None) -> tuple[str, ...]:
    """Stop strings as SamplingParams take them."""
    return (given,) if isinstance(given, str) else tuple(given or ())
