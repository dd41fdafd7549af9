"""Part 4 · The plain endpoints: a prompt, a text, and nothing to learn before.

Their streams carry text as it is, not JSON: an event named `ttft` with the seconds to the first
token, a piece of text an event, and an event named `done`.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from fastapi import Query
from fastapi import Request
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import StrictInt
from starlette.responses import Response

from ruvon.engine.backend import Stream
from ruvon.sampling.params import SamplingParams
from ruvon.server.errors import APIError
from ruvon.server.errors import failed
from ruvon.server.frames import text_frame
from ruvon.server.sampling import PlainSampling  # part 5
from ruvon.server.service import Service
from ruvon.server.service import as_header
from ruvon.server.service import new_id
from ruvon.server.streams import EventStream
from ruvon.server.streams import whole

# Of a model's fields, those that a later part brings: refused by name until it does.
LATER = frozenset({"temperature", "top_k", "top_p", "seed"})

router = APIRouter(tags=["teaching"])


class Plain(
    PlainSampling,  # part 5
    BaseModel,
):
    """What all of these endpoints take."""

    model_config = ConfigDict(extra="allow", strict=True)

    prompt: str = Field(description="The beginning.")

    def check(self) -> None:
        """Refuse what would change the text and is not there. Raises APIError."""
        known = LATER - set(type(self).model_fields)
        refused = sorted(known.intersection(k for k, v in (self.model_extra or {}).items() if v))
        if refused:
            raise APIError(
                f"{refused[0]} would change the answer and is not implemented; leave it out",
                param=refused[0],
            )


class GenerateRequest(Plain):
    """POST /v1/generate and /v1/generate_nobatch."""

    max_new_tokens: StrictInt | None = Field(
        None, ge=1, description="At most this many new tokens; 64, unless the server says else."
    )


class LengthRequest(Plain):
    """POST /generate and /stream."""

    max_length: StrictInt = Field(64, ge=2, description="Prompt and text together, in tokens.")


@router.post(
    "/v1/generate",
    summary="Continue a text, as events",
    response_class=EventStream,
    status_code=200,
)
async def generate(asked: GenerateRequest, request: Request) -> Response:
    """Events: ttft, the text piece by piece, done."""
    return events(Run(request, asked, asked.max_new_tokens))


@router.post("/v1/generate_nobatch", summary="Continue a text, alone")
async def generate_nobatch(asked: GenerateRequest, request: Request) -> Response:
    """The text, computed with nothing else beside it."""
    return await text(Run(request, asked, asked.max_new_tokens))


@router.post("/generate", summary="Continue a text to a length")
async def generate_to(asked: LengthRequest, request: Request) -> Response:
    """The text without the prompt."""
    return await text(Run(request, asked, length=asked.max_length))


@router.post(
    "/stream",
    summary="Continue a text to a length, as events",
    response_class=EventStream,
    status_code=200,
)
async def stream_to(asked: LengthRequest, request: Request) -> Response:
    """The same events as /v1/generate."""
    return events(Run(request, asked, length=asked.max_length))


@router.get(
    "/stream",
    summary="The same, for a browser's EventSource",
    response_class=EventStream,
    status_code=200,
)
async def stream_from(
    request: Request,
    prompt: str = Query(description="The beginning."),
    max_length: int = Query(64, ge=2, description="Prompt and text together, in tokens."),
) -> Response:
    """The same, from the address line."""
    given = {"prompt": prompt, "max_length": max_length}
    return await stream_to(LengthRequest.model_validate(given), request)


@router.get("/model", summary="What is loaded")
async def model(request: Request) -> dict[str, Any]:
    """The model's size, where it is, and how many sequences share a step."""
    service: Service = request.app.state.service
    return {
        "model": service.name,
        "vocab_size": service.vocabulary,
        "eos": service.tokenizer.eos_id,
        "device": service.device,
        "max_batch_size": 1,
    }


class Run:
    """A run over one prompt. What can be refused is refused when it is made: raises APIError."""

    def __init__(
        self, request: Request, asked: Plain, most: int | None = None, length: int | None = None
    ) -> None:
        """At most `most` new tokens, or so many that prompt and text have `length` together."""
        asked.check()
        service: Service = request.app.state.service
        service.admit(1)  # part 6
        ids = service.ids(asked.prompt)
        if length is not None:
            most = length - len(ids)
            if most < 1:
                raise APIError(
                    f"the prompt has {len(ids)} tokens, and max_length is {length}",
                    param="max_length",
                )
        params = SamplingParams(
            max_tokens=most or service.max_new_tokens,
            **asked.sampling(service),  # part 5
        )
        self.request = request
        ignored = sorted(asked.model_extra or {})
        self.headers = {"x-ruvon-ignored": as_header(ignored)} if ignored else {}
        [wanted] = service.requests(new_id("gen"), [ids], params)
        self.stream = service.backend.submit(wanted)


def events(run: Run) -> EventStream:
    """A run as events."""
    return EventStream(frames(run.stream), [run.stream], run.headers)


async def frames(stream: Stream) -> AsyncGenerator[bytes, None]:
    """The events of a run. A failure is an event named `error`."""
    began = time.perf_counter()
    first = True
    try:
        async with aclosing(stream) as source:
            async for increment in source:
                if first:
                    yield text_frame(f"{time.perf_counter() - began:.6f}", event="ttft")
                    first = False
                if increment.text:
                    yield text_frame(increment.text)
    except Exception as error:
        yield text_frame(str(failed(error)), event="error")
        return
    yield text_frame("", event="done")


async def text(run: Run) -> Response:
    """A run's text at once, for as long as the client is there."""

    async def read() -> dict[str, str]:
        return {"text": "".join([increment.text async for increment in run.stream])}

    return await whole(run.request, read(), [run.stream], run.headers)
