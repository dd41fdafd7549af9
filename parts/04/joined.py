"""Part 4: ten thousand answers through the app, and whether their chunks make up the text."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from typing import Any

from served import call
from served import free

from ruvon.engine import stops
from ruvon.engine.backend import Request
from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.server.app import create_app
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PIECES = [
    "a",
    "b",
    "ab",
    "aba",
    " the",
    "\n",
    "\r\n",
    "é",
    "猫",
    "🐉",
    "👩‍👩‍👧",
    "<end>",
    "</",
    "s>",
]
PROMPTS = 100  # in a request


class Said(Direct):
    """A Backend without a model: each request is answered with the ids of its own prompt."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(free)  # which never runs
        self.tokenizer = tokenizer

    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        text = StoppedText(self.tokenizer, request.params.stop)
        for number, token in enumerate(request.prompt, start=1):
            reason = "length" if number == len(request.prompt) else None
            made = text.add(Increment((token,), reason))
            yield made
            if made.finish_reason:
                return


def up_to_the_stop(text: str, stop: list[str]) -> str:
    """The oracle: read letter by letter, until some stop string is complete."""
    for end in range(1, len(text) + 1):
        complete = [one for one in stop if text[:end].endswith(one)]
        if complete:
            return text[: end - max(map(len, complete))]
    return text


def ids_of(chance: random.Random, tokenizer: Tokenizer) -> list[int]:
    """Half of the answers are texts, the others any tokens at all, with broken characters."""
    if chance.random() < 0.5:
        return tokenizer.encode("".join(chance.choices(PIECES, k=chance.randint(1, 8))))
    ids = [chance.randrange(tokenizer.vocab_size) for _ in range(chance.randint(1, 12))]
    return [token for token in ids if token != tokenizer.eos_id] or [0]


async def post(app: Any, **body: object) -> bytes:
    """The body of an answer."""
    got: list[bytes] = []

    async def send(message: Any) -> None:
        got.append(message.get("body", b""))

    await call(app, send, **body)
    return b"".join(got)


async def wrong_ones(app: Any, tokenizer: Tokenizer, count: int) -> int:
    """How many of `count` streamed answers are not the text up to its first stop string."""
    found = 0
    for seed in range(count // PROMPTS):
        chance = random.Random(seed)
        many = [ids_of(chance, tokenizer) for _ in range(PROMPTS)]
        stop = ["".join(chance.choices(PIECES, k=chance.randint(1, 3))) for _ in range(2)]
        stream = await post(app, prompt=many, stop=stop, stream=True)
        texts = [""] * PROMPTS
        for event in stream.decode().split("\n\n"):
            if event.startswith("data: {"):
                [choice] = json.loads(event.removeprefix("data: "))["choices"]
                texts[choice["index"]] += choice["text"]
        expected = [up_to_the_stop(tokenizer.decode(ids), stop) for ids in many]
        found += sum(a != b for a, b in zip(texts, expected, strict=True))
    return found


def joined(count: int) -> dict[str, int]:
    """The answers that come out wrong: of the engine, and with the seeded fault."""
    right = wrong(count)
    longest_beginning = stops.longest_beginning
    stops.longest_beginning = lambda text, stop: 0
    try:
        fault = wrong(count)
    finally:
        stops.longest_beginning = longest_beginning
    return {"answers": count, "wrong": right, "wrong_with_fault": fault}


def wrong(count: int) -> int:
    """How many of `count` answers come out wrong."""
    tokenizer = Tokenizer.from_dir(locate("story"))
    service = Service("said", tokenizer, 512, tokenizer.vocab_size, Said(tokenizer))
    return asyncio.run(wrong_ones(create_app(service), tokenizer, count))
