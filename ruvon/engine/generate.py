"""Part 2 · The greedy decode loop: one token, then the next, until something says stop."""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from ruvon.errors import RuvonError
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampler
from ruvon.sampling.greedy import greedy
from ruvon.sampling.logprobs import Logprob  # part 10
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Model
from ruvon.seams import SequenceAttention
from ruvon.seams import Span

FinishReason = Literal["stop", "length"]

NO_SCORES = "the model's logits are not numbers, so no token can be drawn"  # part 5


@dataclass(frozen=True)
class Increment:
    """What one step adds to a sequence."""

    # The new tokens of this step.
    ids: tuple[int, ...]
    # Why the sequence ends here, or None while it goes on.
    finish_reason: FinishReason | None = None
    # The text that these tokens make certain. `Text` fills it in; the loop knows only ids.
    text: str = ""
    # Which of the n continuations of its prompt this belongs to.
    choice: int = 0  # part 5
    # How likely each new token was, and with the first of them each of the prompt's but the first.
    logprobs: tuple[Logprob, ...] = ()  # part 10
    prompt_logprobs: tuple[Logprob, ...] = ()  # part 10


def generate(
    model: Model,
    attention: SequenceAttention,
    prompt: Sequence[int],
    params: SamplingParams,
    sample: Sampler = greedy,
    eos_id: int | None = None,
    context: int | None = None,
    choice: int = 0,  # part 5
) -> Iterator[Increment]:
    """Continue `prompt`, one increment a step.

    A sequence has tokens that are known and tokens that are computed. Each step feeds the
    model what is known but not computed, and samples what comes after the last known token.
    How many are computed is the attention's business: one that remembers nothing says 0.

    `context` is the longest sequence to compute, the model's own unless given. Raises RuvonError
    for a prompt that is empty, or longer than that.
    """
    context = context or model.context
    check_prompt(prompt, context)
    known = list(prompt)
    limit = token_limit(len(prompt), params, context)
    stops = stop_ids(params, eos_id)
    while True:
        last = step(model, attention, known)  # [1, vocabulary]
        row = Row(
            params,
            known,
            prompt=len(prompt),
            stops=stops,  # part 5
            choice=choice,  # part 5
        )
        token = int(sample(last, [row]).ids)
        if token < 0:  # part 5
            raise RuvonError(NO_SCORES)
        known.append(token)
        if token in stops:
            yield Increment((token,), "stop")
            return
        if len(known) == limit:
            yield Increment((token,), "length")
            return
        yield Increment((token,))


@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    """Compute what is known but not computed. -> the logits after the last token, [1, vocab]."""
    start = attention.computed
    assert start < len(known), "nothing to compute: a new sequence needs a new attention"
    attention.prepare([Span(start, len(known) - start)])
    tokens = torch.tensor(known[start:], device=model.device)  # [T]
    positions = torch.arange(start, len(known), device=model.device)  # [T]
    hidden = model(tokens, positions, attention)  # [T, width]
    return model.logits(hidden[-1:])


def check_prompt(prompt: Sequence[int], context: int) -> None:
    """Refuse a prompt that leaves nothing to do, or no room to do it in."""
    if not prompt:
        raise RuvonError("the prompt has no tokens; give at least one")
    if len(prompt) > context:
        raise RuvonError(f"the prompt has {len(prompt):,} tokens; this model takes {context:,}")


def token_limit(prompt_tokens: int, params: SamplingParams, context: int) -> int:
    """The length, prompt included, at which a sequence ends.

    The last token is sampled and never fed, so a sequence may grow one over the context.
    """
    if params.max_tokens is None:
        return context + 1
    return min(prompt_tokens + params.max_tokens, context + 1)


def stop_ids(params: SamplingParams, eos_id: int | None) -> frozenset[int]:
    """The ids that end this sequence."""
    ends = set() if params.ignore_eos or eos_id is None else {eos_id}
    return frozenset(ends.union(params.stop_token_ids))
