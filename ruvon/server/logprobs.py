"""Part 10 · Logprobs in OpenAI's two forms: lists for completions, objects for chat."""

from collections.abc import AsyncGenerator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ruvon.engine.backend import Stream
from ruvon.engine.generate import Increment
from ruvon.sampling.logprobs import Logprob
from ruvon.server.answers import Answer
from ruvon.server.answers import Numbered
from ruvon.server.chat import ChatCompletion
from ruvon.server.completions import Completion
from ruvon.server.schemas import CompletionRequest
from ruvon.server.service import Service
from ruvon.tokenizer import Detokenizer
from ruvon.tokenizer import Tokenizer

# JSON has no infinity.
LEAST = -9999.0


class ScoredCompletion(Completion):
    """A completion with the logprobs of its tokens, and of the prompt's where that is echoed."""

    def __init__(self, service: Service, asked: CompletionRequest) -> None:
        super().__init__(service, asked)
        self.texts = [Offsets(service.tokenizer) for _ in self.requests]

    def submit(self) -> list[Stream]:
        """Also where only the prompt is wanted: it has to be computed to be scored."""
        return Answer.submit(self)

    async def increments(self, streams: Sequence[Stream]) -> AsyncGenerator[Numbered, None]:
        """What each choice gains; the prompt comes with the first of it."""
        begun = set()
        async with aclosing(Answer.increments(self, streams)) as increments:
            async for index, increment in increments:
                if self.nothing_more:  # one token was computed, because the engine makes one
                    self.made -= len(increment.ids)
                    increment = replace(
                        increment, ids=(), text="", logprobs=(), finish_reason="length"
                    )
                if self.echo and index not in begun:
                    prompt = self.service.tokenizer.decode(self.requests[index].prompt)
                    increment = replace(increment, text=prompt + increment.text)
                begun.add(index)
                yield index, increment

    def choice(self, index: int, increment: Increment) -> dict[str, Any]:
        """A text, and beside it a list for each thing that is known of its tokens."""
        scores: list[Logprob | None] = [*increment.logprobs]
        if self.echo and not self.texts[index].begun:  # nothing comes before a first token
            scores = [None, *increment.prompt_logprobs, *scores]
        first = self.requests[index].prompt[0]
        ids = [first if one is None else one.id for one in scores]
        tokens = [self.name_of(token) for token in ids]
        told = {
            "tokens": tokens,
            "token_logprobs": [one and number(one.logprob) for one in scores],
            "top_logprobs": [one and self.named(one) for one in scores],
            "text_offset": self.texts[index].of(ids),
        }
        return {**super().choice(index, increment), "logprobs": told}

    def chunks(self, index: int, increment: Increment) -> Iterator[dict[str, Any]]:
        """A chunk for each increment: a token has a logprob before its text is certain."""
        yield self.choice(index, increment)

    def named(self, score: Logprob) -> dict[str, float]:
        """The likeliest tokens, as many as were asked for, and the chosen one anyway."""
        likeliest = {self.name_of(token): number(value) for token, value in score.top}
        return {**likeliest, self.name_of(score.id): number(score.logprob)}

    def name_of(self, token: int) -> str:
        """The text of a token; what is no text by itself is named by its bytes."""
        raw = self.service.tokenizer.token_bytes(token)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


class ScoredChat(ChatCompletion):
    """A message with the logprobs of its tokens."""

    def choice(self, index: int, increment: Increment) -> dict[str, Any]:
        """A whole message."""
        return {**super().choice(index, increment), "logprobs": self.told(increment)}

    def chunks(self, index: int, increment: Increment) -> Iterator[dict[str, Any]]:
        """The same chunks, the scores in the first: there is one, also where no text is certain."""
        made = list(super().chunks(index, increment)) or [self.nothing(index)]
        yield {**made[0], "logprobs": self.told(increment)}
        yield from made[1:]

    def told(self, increment: Increment) -> dict[str, Any]:
        """An object for each token."""
        content = [
            {
                **self.scored(one.id, one.logprob),
                "top_logprobs": [self.scored(*other) for other in one.top],
            }
            for one in increment.logprobs
        ]
        return {"content": content, "refusal": None}

    def scored(self, token: int, value: float) -> dict[str, Any]:
        """One token and its logprob."""
        raw = self.service.tokenizer.token_bytes(token)
        return {
            "token": raw.decode(errors="replace"),
            "logprob": number(value),
            "bytes": list(raw),
        }

    def nothing(self, index: int) -> dict[str, Any]:
        """A chunk without text."""
        return {"index": index, "delta": {}, "logprobs": None, "finish_reason": None}


class Offsets:
    """Where the tokens of a text begin in it, in characters."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.detokenizer = Detokenizer(tokenizer)
        self.length = 0
        self.begun = False

    def of(self, ids: Sequence[int]) -> list[int]:
        """The places of some more tokens."""
        self.begun = True
        places = []
        for token in ids:
            places.append(self.length)
            self.length += len(self.detokenizer.push(token))
        return places


def number(logprob: float) -> float:
    """A logprob that JSON can say."""
    return max(logprob, LEAST)
