"""Part 2 · What LLM.generate gives: a prompt and its continuations."""

from dataclasses import dataclass
from dataclasses import field  # part 10

from ruvon.engine.generate import FinishReason
from ruvon.sampling.logprobs import Logprob  # part 10


@dataclass(frozen=True)
class CompletionOutput:
    """One continuation of a prompt."""

    index: int
    # The continuation without the prompt. Empty when the model folder has no tokenizer.
    text: str
    token_ids: list[int]
    finish_reason: FinishReason
    # How likely each of the ids was, where SamplingParams ask for it.
    logprobs: list[Logprob] = field(default_factory=list)  # part 10


@dataclass(frozen=True)
class RequestOutput:
    """A prompt and its continuations."""

    prompt: str | None
    prompt_token_ids: list[int]
    outputs: list[CompletionOutput]
    # How likely each id of the prompt was, but for the first, which nothing precedes.
    prompt_logprobs: list[Logprob] = field(default_factory=list)  # part 10
