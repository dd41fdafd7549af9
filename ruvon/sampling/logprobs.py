"""Part 10 · Logprobs: how likely each token was, and what was likely in its place.

They are of the raw distribution, the softmax of the model's logits, before bias, penalties and
temperature.
"""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.greedy import Sampled
    from ruvon.sampling.greedy import Sampler

# Rows of a prompt whose logits exist at once: [128, vocabulary] floats, not [T, vocabulary].
CHUNK = 128


@dataclass(frozen=True)
class Logprob:
    """A token, and the natural logarithm of its probability."""

    id: int
    logprob: float
    # The likeliest tokens in its place, the likeliest first.
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class LogprobRows:
    """The same of some rows of logits, as tensors."""

    ids: Tensor  # [R]
    values: Tensor  # [R]
    top_ids: Tensor  # [R, k]
    top_values: Tensor  # [R, k]

    def read(self) -> list[Logprob]:
        """As numbers. On a GPU this waits for it."""
        tops = zip(self.top_ids.tolist(), self.top_values.tolist(), strict=True)
        rows = zip(self.ids.tolist(), self.values.tolist(), tops, strict=True)
        return [Logprob(id, value, tuple(zip(*top, strict=True))) for id, value, top in rows]


def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    """Score the token of each row. logits [R, vocabulary], ids [R] -> R rows, with `most` others.

    Only what is asked for is normalised: the vocabulary's log-probabilities are never written out.
    """
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)  # [R, 1]
    values = logits.gather(-1, ids[:, None]) - total  # [R, 1]
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, top.values - total)


def with_logprobs(sample: "Sampler") -> "Sampler":
    """The same sampler, which also scores what it chose, for the rows that ask for it."""

    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        sampled = sample(logits, rows)
        wanted = {i: row.params.logprobs for i, row in enumerate(rows)}
        asked = {i: most for i, most in wanted.items() if most is not None}
        if not asked:
            return sampled
        at = torch.tensor(list(asked), device=logits.device)
        ids = sampled.ids[at].clamp(min=0)  # where there is no token, the request fails anyway
        return replace(sampled, logprobs=score(logits[at], ids, max(asked.values())))

    return scored


def score_prompt(
    logits_of: Callable[[Tensor], Tensor], hidden: Tensor, ids: Tensor, most: int
) -> list[LogprobRows]:
    """Score the tokens of a prompt, each by the row before it, some rows at a time.

    hidden [R, width], and the ids [R] that follow each row.
    """
    starts = range(0, len(ids), CHUNK)
    return [score(logits_of(hidden[i : i + CHUNK]), ids[i : i + CHUNK], most) for i in starts]
