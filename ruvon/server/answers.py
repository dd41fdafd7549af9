"""Part 4 · Answers: what a client asked for, computed, whole or as a stream of events."""

import time
from collections.abc import AsyncGenerator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ruvon.engine.backend import Stream
from ruvon.engine.generate import Increment
from ruvon.sampling.params import SamplingParams
from ruvon.server.errors import body
from ruvon.server.errors import failed
from ruvon.server.frames import DONE
from ruvon.server.frames import frame
from ruvon.server.schemas import Generation
from ruvon.server.service import Service
from ruvon.server.service import as_header
from ruvon.server.service import as_stops
from ruvon.server.service import new_id
from ruvon.server.streams import EventStream
from ruvon.server.streams import merged
from ruvon.server.streams import whole
from ruvon.server.streams import with_pings

PING_SECONDS = 15.0

Numbered = tuple[int, Increment]


class Answer:
    """One answer to a client: a choice for each prompt. Subclasses say how it is written.

    Made before anything runs, and all that can be refused is refused there: raises APIError.
    """

    kind = ""
    name = ""  # of the object
    chunk_name = ""

    def __init__(
        self, service: Service, asked: Generation, prompts: list[list[int]], most: int | None
    ) -> None:
        self.service = service
        self.asked = asked
        self.prompts = prompts
        self.ignored = service.check(asked)
        self.params = SamplingParams(
            max_tokens=most,
            stop_token_ids=tuple(asked.stop_token_ids or ()),
            ignore_eos=asked.ignore_eos,
            stop=as_stops(asked.stop),
            **asked.sampling,  # part 5
            **asked.scoring,  # part 10
        )
        self.id = new_id(self.kind)
        self.requests = service.requests(self.id, prompts, self.params)
        self.made = 0

    # How it is written

    def choice(self, index: int, increment: Increment) -> dict[str, Any]:
        """A whole choice, of which all is in one increment."""
        raise NotImplementedError

    def chunks(self, index: int, increment: Increment) -> Iterator[dict[str, Any]]:
        """What a choice gains, as the choices of chunks."""
        raise NotImplementedError

    def openings(self) -> Iterator[dict[str, Any]]:
        """What choices begin with, before anything is computed."""
        yield from ()

    # How it comes about

    def submit(self) -> list[Stream]:
        """Hand all of it to the backend, before anything is waited for."""
        return [self.service.backend.submit(request) for request in self.requests]

    async def increments(self, streams: Sequence[Stream]) -> AsyncGenerator[Numbered, None]:
        """What each choice gains, with its number."""
        async with aclosing(merged(streams)) as all_of_them:
            async for index, increment in all_of_them:
                self.made += len(increment.ids)
                yield index, increment

    async def whole(self, streams: Sequence[Stream]) -> dict[str, Any]:
        """The answer at once."""
        made: list[list[Increment]] = [[] for _ in self.requests]
        async with aclosing(self.increments(streams)) as increments:
            async for index, increment in increments:
                made[index].append(increment)
        choices = [self.choice(index, joined(gained)) for index, gained in enumerate(made)]
        return {**self.around(self.name, choices), "usage": self.usage()}

    async def frames(self, streams: Sequence[Stream]) -> AsyncGenerator[bytes, None]:
        """The answer as events, each as soon as it is there. A failure is an event, too."""
        for opening in self.openings():
            yield frame(self.around(self.chunk_name, [opening]))
        try:
            async with aclosing(self.increments(streams)) as increments:
                async for index, increment in increments:
                    for chunk in self.chunks(index, increment):
                        yield frame(self.around(self.chunk_name, [chunk]))
        except Exception as error:
            yield frame(body(failed(error)))
        else:
            if self.asked.stream_options and self.asked.stream_options.include_usage:
                yield frame({**self.around(self.chunk_name, []), "usage": self.usage()})
        yield DONE

    async def respond(self, request: Request) -> Response:
        """The answer as the client wants it, for as long as the client is there."""
        headers = {"x-ruvon-ignored": as_header(self.ignored)} if self.ignored else {}
        streams = self.submit()
        if self.asked.stream:
            frames = with_pings(self.frames(streams), PING_SECONDS)
            return EventStream(frames, streams, headers)
        return await whole(request, self.whole(streams), streams, headers)

    def around(self, name: str, choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The object around choices."""
        return {
            "id": self.id,
            "object": name,
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


def joined(increments: Sequence[Increment]) -> Increment:
    """Several increments of a sequence as one."""
    last = increments[-1:] or [Increment(())]  # none where it was cancelled at once
    return Increment(
        tuple(token for increment in increments for token in increment.ids),
        last[0].finish_reason,
        "".join(increment.text for increment in increments),
        logprobs=tuple(one for increment in increments for one in increment.logprobs),  # part 10
        prompt_logprobs=increments[0].prompt_logprobs if increments else (),  # part 10
    )
