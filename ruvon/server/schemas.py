"""Part 4 · What clients may send: every field described, and the rest refused or ignored by name.

A field of OpenAI's that would change the output, and that Ruvon does not have, is refused. Unknown
fields from elsewhere are ignored: routers add ten to every request.
"""

from typing import Annotated
from typing import Any

from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import StrictInt

from ruvon.server.sampling import SamplingFields  # part 5

MOST_PROMPTS = 512
MOST_STOPS = 16

TokenId = Annotated[StrictInt, Field(ge=0)]
Stop = str | Annotated[list[str], Field(max_length=MOST_STOPS)]


class StreamOptions(BaseModel):
    """What a stream says besides the text."""

    include_usage: bool = Field(False, description="One more chunk at the end, with the usage.")
    continuous_usage_stats: bool = Field(False, description="Accepted, and without effect.")


class Generation(
    SamplingFields,  # part 5
    BaseModel,
):
    """The fields that completions and chat completions share."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: str | None = Field(None, description="The served model; any, if it is not given.")
    stop: Stop | None = Field(None, description="Texts that end the answer, and are not in it.")
    stream: bool | None = Field(False, description="Send the text as it is made.")
    stream_options: StreamOptions | None = Field(None, description="Only with stream.")
    user: str | None = Field(None, description="Accepted, and without effect.")
    stop_token_ids: list[TokenId] | None = Field(None, description="Ids that end the answer.")
    ignore_eos: bool = Field(False, description="Go on past the end-of-text token.")

    @property
    def scoring(self) -> dict[str, Any]:  # part 10
        """The fields of SamplingParams that say what is scored."""
        raise NotImplementedError

    @property
    def extra(self) -> dict[str, Any]:
        """The fields that are not in the schema, but for OpenAI's where they ask for nothing."""
        given = (self.model_extra or {}).items()
        return {
            name: value
            for name, value in given
            if value is not None and not (name in OPENAI_FIELDS and asks_for_nothing(name, value))
        }


class CompletionRequest(Generation):
    """POST /v1/completions."""

    prompt: (
        str
        | list[TokenId]
        | Annotated[list[str], Field(max_length=MOST_PROMPTS)]
        | Annotated[list[list[TokenId]], Field(max_length=MOST_PROMPTS)]
    ) = Field(description="A text, a list of texts, ids, or lists of ids.")
    max_tokens: StrictInt | None = Field(16, ge=0, description="At most this many new tokens.")
    echo: bool | None = Field(False, description="Give back the prompt before the text.")
    logprobs: StrictInt | None = Field(  # part 10
        None, ge=0, description="Say how likely each token was, and so many in its place."
    )

    @property
    def scoring(self) -> dict[str, Any]:  # part 10
        """The fields of SamplingParams that say what is scored."""
        return {"logprobs": self.logprobs, "prompt_logprobs": self.logprobs if self.echo else None}


# What a field may say and mean what it would mean if it were left out. Clients send such things.
NEUTRAL: dict[str, object] = {
    "best_of": 1,
    "frequency_penalty": 0,
    "modalities": ["text"],
    "n": 1,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "tool_choice": "none",
    "top_p": 1,
}


def asks_for_nothing(name: str, value: object) -> bool:
    """Whether a field might as well have been left out: null, false, empty, or its default."""
    return value is None or value is False or value in ("", [], {}) or value == NEUTRAL.get(name)


# OpenAI's fields that would change what comes out. Those that a schema has are not refused.
OPENAI_FIELDS = frozenset(
    {
        "audio",
        "best_of",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "n",
        "prediction",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "suffix",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "verbosity",
        "web_search_options",
    }
)
