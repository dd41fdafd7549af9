"""Part 5 · What clients may send about drawing: OpenAI's fields, and vLLM's."""

from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

from pydantic import BaseModel
from pydantic import Field
from pydantic import StrictInt
from pydantic import field_validator

from ruvon.sampling.params import BOUNDS
from ruvon.sampling.params import MOST_CHOICES
from ruvon.sampling.params import NOT_ZERO

if TYPE_CHECKING:
    from ruvon.server.service import Service

MOST_BIASES = 1024
Seed = Annotated[StrictInt, Field(ge=-(2**63), lt=2**64)]


def number(name: str, told: str) -> Any:
    """An optional number with the bounds that SamplingParams have for it."""
    low, high = BOUNDS[name]
    if name in NOT_ZERO:
        return Field(None, gt=low, le=high, strict=True, description=told)
    return Field(None, ge=low, le=high, strict=True, description=told)


class SamplingFields(BaseModel):
    """How the next token is chosen. What is not given has no effect; temperature is 1 then."""

    temperature: float | None = number("temperature", "0 takes the likeliest token; 1 by default.")
    top_k: StrictInt | None = Field(
        None, ge=-1, description="Draw from this many of the likeliest tokens; 0 or -1: from all."
    )
    top_p: float | None = number("top_p", "Draw from the likeliest with this sum of probability.")
    min_p: float | None = number("min_p", "Draw from those with this share of the likeliest one's.")
    repetition_penalty: float | None = number(
        "repetition_penalty", "Over 1: what is in prompt or text gets less likely."
    )
    presence_penalty: float | None = number(
        "presence_penalty", "Taken off the logits of tokens that the text has."
    )
    frequency_penalty: float | None = number(
        "frequency_penalty", "Taken off for each time that the text has a token."
    )
    logit_bias: dict[str, float] | None = Field(
        None, max_length=MOST_BIASES, description="Added to logits: from an id to -100 to 100."
    )
    seed: Seed | None = Field(None, description="The same seed draws the same text.")
    min_tokens: StrictInt | None = Field(None, ge=0, description="Nothing ends the text before.")
    n: StrictInt | None = Field(
        None, ge=1, le=MOST_CHOICES, description="How many answers to each prompt."
    )

    @field_validator("logit_bias")
    @classmethod
    def of_ids(cls, given: dict[str, float] | None) -> dict[str, float] | None:
        """Refuse keys that are no ids, and biases out of bounds."""
        for token, bias in (given or {}).items():
            if not (token.isascii() and token.isdecimal()) or not -100 <= bias <= 100:
                raise ValueError("give token ids a number from -100 to 100")
        return given

    @property
    def sampling(self) -> dict[str, Any]:
        """The fields of SamplingParams that were given."""
        fields = SamplingFields.model_fields
        given = {name: getattr(self, name) for name in fields if getattr(self, name) is not None}
        biases = {int(token): bias for token, bias in given.pop("logit_bias", {}).items()}
        return {"temperature": 1.0, **given, "logit_bias": biases}


class PlainSampling(BaseModel):
    """The same for the teaching endpoints, which have fewer knobs."""

    temperature: float | None = number("temperature", "0 takes the likeliest token.")
    top_k: StrictInt | None = Field(None, ge=-1, description="Draw from this many; 0: from all.")
    top_p: float | None = number("top_p", "Draw from the likeliest with this sum of probability.")
    seed: Seed | None = Field(None, description="The same seed draws the same text.")

    def sampling(self, service: "Service") -> dict[str, Any]:
        """The fields of SamplingParams: as given, or else as the server says."""
        names = PlainSampling.model_fields
        given = {name: getattr(self, name) for name in names}
        return {k: getattr(service, k) if v is None else v for k, v in given.items()}
