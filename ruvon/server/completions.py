"""Part 4 · POST /v1/completions: a text goes on."""

from collections.abc import AsyncGenerator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from fastapi import Request
from starlette.responses import Response

from ruvon.engine.backend import Stream
from ruvon.engine.generate import FinishReason
from ruvon.engine.generate import Increment
from ruvon.server.answers import Answer
from ruvon.server.answers import Numbered
from ruvon.server.errors import APIError
from ruvon.server.frames import EVENTS
from ruvon.server.schemas import CompletionRequest
from ruvon.server.service import Service
from ruvon.server.service import how_many  # part 6

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/completions", summary="Continue a text", responses=EVENTS)
@router.post("/completions", include_in_schema=False)
async def complete(asked: CompletionRequest, request: Request) -> Response:
    """The continuation of each prompt; with `stream`, as server-sent events."""
    if asked.logprobs is not None:  # part 10
        from ruvon.server.logprobs import ScoredCompletion

        return await ScoredCompletion(request.app.state.service, asked).respond(request)
    return await Completion(request.app.state.service, asked).respond(request)


class Completion(Answer):
    """Texts that go on where their prompts end."""

    kind = "cmpl"
    name = chunk_name = "text_completion"

    def __init__(self, service: Service, asked: CompletionRequest) -> None:
        service.admit(how_many(asked.prompt) * (asked.n or 1))  # part 6
        if asked.max_tokens == 0 and not asked.echo:
            raise APIError("max_tokens 0 is only for echo", param="max_tokens")
        prompts = service.prompts(asked.prompt)
        most = asked.max_tokens
        super().__init__(service, asked, prompts, most if most is None else max(most, 1))
        self.echo = bool(asked.echo)
        self.nothing_more = asked.max_tokens == 0

    def submit(self) -> list[Stream]:
        """Nothing, where only the prompt is wanted."""
        return [] if self.nothing_more else super().submit()

    async def increments(self, streams: Sequence[Stream]) -> AsyncGenerator[Numbered, None]:
        """The prompt, where it is echoed, and what follows it."""
        if self.echo:
            reason: FinishReason | None = "length" if self.nothing_more else None
            for index, asked in enumerate(self.requests):
                yield index, Increment((), reason, self.service.tokenizer.decode(asked.prompt))
        async with aclosing(super().increments(streams)) as increments:
            async for numbered in increments:
                yield numbered

    def choice(self, index: int, increment: Increment) -> dict[str, Any]:
        """A text, or a piece of it."""
        reason = increment.finish_reason
        return {"index": index, "text": increment.text, "logprobs": None, "finish_reason": reason}

    def chunks(self, index: int, increment: Increment) -> Iterator[dict[str, Any]]:
        """A chunk, unless nothing became certain."""
        if increment.text or increment.finish_reason:
            yield self.choice(index, increment)
