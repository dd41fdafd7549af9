"""Part 4 · POST /v1/completions: a text goes on."""

import time
from collections.abc import AsyncGenerator
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from fastapi import Request
from starlette.responses import JSONResponse
from starlette.responses import Response

from ruvon.engine.generate import FinishReason
from ruvon.engine.generate import Increment
from ruvon.sampling.params import SamplingParams
from ruvon.server.errors import APIError
from ruvon.server.errors import body as error_body
from ruvon.server.errors import failed
from ruvon.server.frames import DONE
from ruvon.server.frames import frame
from ruvon.server.schemas import CompletionRequest
from ruvon.server.service import Service
from ruvon.server.service import as_stops
from ruvon.server.service import new_id
from ruvon.server.streams import ClientGone
from ruvon.server.streams import EventStream
from ruvon.server.streams import merged
from ruvon.server.streams import until_gone
from ruvon.server.streams import with_pings

PING_SECONDS = 15.0

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/completions", summary="Continue a text")
@router.post("/completions", include_in_schema=False)
async def complete(asked: CompletionRequest, request: Request) -> Response:
    """The continuation of each prompt; with `stream`, as server-sent events."""
    service: Service = request.app.state.service
    answer = Completion(service, asked)
    headers = {"x-ruvon-ignored": ", ".join(answer.ignored)} if answer.ignored else {}
    if asked.stream:
        return EventStream(with_pings(answer.frames(), PING_SECONDS), headers)
    try:
        whole = await until_gone(request.receive, answer.whole())
    except ClientGone:
        return Response(status_code=499)  # nobody reads it
    except Exception as error:
        raise failed(error) from error
    return JSONResponse(whole, headers=headers)


class Completion:
    """One answer to a client: a choice for each prompt. Raises APIError before anything runs."""

    def __init__(self, service: Service, asked: CompletionRequest) -> None:
        self.service = service
        self.asked = asked
        self.ignored = service.check(asked)
        self.prompts = service.prompts(asked.prompt)
        if asked.max_tokens == 0 and not asked.echo:
            raise APIError("max_tokens 0 is only for echo", param="max_tokens")
        self.params = SamplingParams(
            max_tokens=asked.max_tokens or None,
            stop_token_ids=tuple(asked.stop_token_ids or ()),
            ignore_eos=asked.ignore_eos,
            stop=as_stops(asked.stop),
        )
        self.id = new_id("cmpl")
        self.made = 0

    async def increments(self) -> AsyncGenerator[tuple[int, Increment], None]:
        """What each choice gains, with its number; the prompt first, where it is echoed."""
        if self.asked.echo:
            for index, ids in enumerate(self.prompts):
                reason: FinishReason | None = "length" if self.asked.max_tokens == 0 else None
                yield index, Increment((), reason, self.service.tokenizer.decode(ids))
        if self.asked.max_tokens == 0:
            return
        streams = self.service.streams(self.id, self.prompts, self.params)
        async with aclosing(merged(streams)) as all_of_them:
            async for index, increment in all_of_them:
                self.made += len(increment.ids)
                yield index, increment

    async def whole(self) -> dict[str, Any]:
        """The answer at once."""
        texts = [""] * len(self.prompts)
        reasons: list[str | None] = [None] * len(self.prompts)
        async with aclosing(self.increments()) as increments:
            async for index, increment in increments:
                texts[index] += increment.text
                reasons[index] = increment.finish_reason
        choices = [choice(i, text, reasons[i]) for i, text in enumerate(texts)]
        return {**self.answer(choices), "usage": self.usage()}

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The answer as events, each as soon as it is there. A failure is an event, too."""
        try:
            async with aclosing(self.increments()) as increments:
                async for index, increment in increments:
                    if increment.text or increment.finish_reason:
                        one = choice(index, increment.text, increment.finish_reason)
                        yield frame(self.answer([one]))
        except Exception as error:
            yield frame(error_body(failed(error)))
        else:
            if self.asked.stream_options and self.asked.stream_options.include_usage:
                yield frame({**self.answer([]), "usage": self.usage()})
        yield DONE

    def answer(self, choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The object around the choices."""
        return {
            "id": self.id,
            "object": "text_completion",
            "created": int(time.time()),
            "model": self.service.name,
            "choices": list(choices),
        }

    def usage(self) -> dict[str, int]:
        """How many tokens were read and made."""
        read = sum(map(len, self.prompts))
        return {
            "prompt_tokens": read,
            "completion_tokens": self.made,
            "total_tokens": read + self.made,
        }


def choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
    """One choice, or what it gains."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
