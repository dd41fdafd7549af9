"""Part 4 · POST /v1/chat/completions: messages become a prompt, by the model's own template."""

from collections.abc import Iterator
from typing import Any
from typing import Literal

from fastapi import APIRouter
from fastapi import Request
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import StrictInt
from starlette.responses import Response

from ruvon import chat_template
from ruvon.engine.generate import Increment
from ruvon.errors import RuvonError
from ruvon.server.answers import Answer
from ruvon.server.errors import APIError
from ruvon.server.frames import EVENTS
from ruvon.server.schemas import Generation
from ruvon.server.schemas import asks_for_nothing
from ruvon.server.service import Service

router = APIRouter(tags=["OpenAI"])


class Part(BaseModel):
    """A piece of a message. Only text can be read."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Literal["text"] = Field(description="text")
    text: str = Field(description="The text.")


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="allow", strict=True)

    role: str = Field(min_length=1, description="system, user, assistant, or what a template has.")
    content: str | list[Part] | None = Field(None, description="A text, or pieces of one.")

    def check(self) -> None:
        """Refuse what would be lost on the model. Raises APIError."""
        extra = self.model_extra or {}
        for name in ("tool_calls", "function_call", "audio"):
            if not asks_for_nothing(name, extra.get(name)):
                raise APIError(
                    f"{name} of a message is not implemented; leave it out", param="messages"
                )

    @property
    def text(self) -> str:
        """The whole text."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class ChatRequest(Generation):
    """POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1, description="The conversation so far.")
    max_tokens: StrictInt | None = Field(None, ge=1, description="At most this many new tokens.")
    max_completion_tokens: StrictInt | None = Field(None, ge=1, description="The same.")
    logprobs: bool | None = Field(  # part 10
        False, description="Say how likely each token was."
    )
    top_logprobs: StrictInt | None = Field(  # part 10
        None, ge=0, description="And so many of the likeliest in its place; only with logprobs."
    )

    @property
    def scoring(self) -> dict[str, Any]:  # part 10
        """The fields of SamplingParams that say what is scored. Raises APIError."""
        if self.top_logprobs and not self.logprobs:
            raise APIError("top_logprobs is only for logprobs: true", param="top_logprobs")
        return {"logprobs": self.top_logprobs or 0} if self.logprobs else {}


@router.post("/v1/chat/completions", summary="Answer a conversation", responses=EVENTS)
async def chat(asked: ChatRequest, request: Request) -> Response:
    """The next message; with `stream`, as server-sent events."""
    if asked.logprobs:  # part 10
        from ruvon.server.logprobs import ScoredChat

        return await ScoredChat(request.app.state.service, asked).respond(request)
    return await ChatCompletion(request.app.state.service, asked).respond(request)


class ChatCompletion(Answer):
    """The assistant's next message."""

    kind = "chatcmpl"
    name = "chat.completion"
    chunk_name = "chat.completion.chunk"

    def __init__(self, service: Service, asked: ChatRequest) -> None:
        service.admit(asked.n or 1)  # part 6
        for message in asked.messages:
            message.check()
        prompt = render(service.chat_template or chat_template.PLAIN, asked.messages)
        most = asked.max_completion_tokens or asked.max_tokens
        super().__init__(service, asked, [service.ids(prompt, param="messages")], most)

    def openings(self) -> Iterator[dict[str, Any]]:
        """The role, once a choice."""
        for index in range(len(self.requests)):
            yield chunk(index, {"role": "assistant", "content": ""}, None)

    def choice(self, index: int, increment: Increment) -> dict[str, Any]:
        """A whole message."""
        message = {"role": "assistant", "content": increment.text, "refusal": None}
        reason = increment.finish_reason
        return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}

    def chunks(self, index: int, increment: Increment) -> Iterator[dict[str, Any]]:
        """The text, and then the reason in a chunk of its own."""
        if increment.text:
            yield chunk(index, {"content": increment.text}, None)
        if increment.finish_reason:
            yield chunk(index, {}, increment.finish_reason)


def chunk(index: int, delta: dict[str, str], reason: str | None) -> dict[str, Any]:
    """What a message gains."""
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}


def render(template: str, messages: list[Message]) -> str:
    """The prompt that a template makes of messages. Raises APIError."""
    given = [{"role": message.role, "content": message.text} for message in messages]
    try:
        return chat_template.render(template, given)
    except RuvonError as error:
        raise APIError(str(error), param="messages") from None
