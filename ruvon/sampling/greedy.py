"""Part 2 · The Sampler seam, and its reference: always the likeliest token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ruvon.sampling.logprobs import LogprobRows  # part 10
from ruvon.sampling.params import SamplingParams


@dataclass(frozen=True)
class Row:
    """One row of logits: whose next token it scores."""

    params: SamplingParams
    # Every known token of the sequence, the prompt first.
    ids: Sequence[int]
    # How many of them are the prompt.
    prompt: int
    # The ids that would end the sequence.
    stops: frozenset[int] = frozenset()  # part 5
    # Which of the n continuations of its prompt this is.
    choice: int = 0  # part 5


@dataclass(frozen=True)
class Sampled:
    """What a sampler decided."""

    # The next token of each row, [R], still on the model's device.
    ids: Tensor
    # How likely they were, for the rows that ask for it.
    logprobs: LogprobRows | None = None  # part 10


class Sampler(Protocol):
    """Chooses the next token of each row."""

    def __call__(self, logits: Tensor, rows: Sequence[Row]) -> Sampled:
        """Choose. logits [R, vocabulary], one Row each -> ids [R]."""


def greedy(logits: Tensor, rows: Sequence[Row]) -> Sampled:
    """Take the highest score of each row, the lowest id where several are equal."""
    return Sampled(ids=logits.argmax(dim=-1))
