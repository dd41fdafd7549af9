"""Part 6 · The runner: a batch of sequences becomes tensors, and the model's answer tokens."""

from collections.abc import Iterable  # part 10
from dataclasses import dataclass
from dataclasses import field  # part 10
from itertools import accumulate

import torch
from torch import Tensor  # part 10

from ruvon.engine.scheduler import Batch
from ruvon.engine.scheduler import Entry
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.greedy import Sampler
from ruvon.sampling.logprobs import LogprobRows  # part 10
from ruvon.sampling.logprobs import score_prompt  # part 10
from ruvon.seams import Attention
from ruvon.seams import Model
from ruvon.seams import Span


@dataclass(frozen=True)
class Computed:
    """What a step computed, still on the model's device."""

    # The next token of each entry that is ready, in their order.
    sampled: Sampled
    # Scores of prompts: rows for each entry that asks for them.
    prompts: dict[str, list[LogprobRows]] = field(default_factory=dict)  # part 10


class Runner:
    """Computes steps. It knows tensors, and nothing of queues."""

    def __init__(self, model: Model, attention: Attention, sample: Sampler) -> None:
        self.model = model
        self.attention = attention
        self.sample = sample

    @torch.inference_mode()
    def run(self, batch: Batch) -> Computed:
        """Compute a step, and sample what comes next."""
        entries, device = batch.entries, self.model.device
        known = [e.sequence.ids[e.start : e.start + e.count] for e in entries]
        tokens = torch.tensor([token for ids in known for token in ids], device=device)  # [T]
        places = [range(e.start, e.start + e.count) for e in entries]
        positions = torch.tensor([place for one in places for place in one], device=device)  # [T]
        self.attention.prepare([span(entry) for entry in entries])
        hidden = self.model(tokens, positions, self.attention)  # [T, width]
        lasts = [end - 1 for end in accumulate(e.count for e in entries)]
        ready = [last for last, entry in zip(lasts, entries, strict=True) if entry.ready]
        rows = torch.tensor(ready, dtype=torch.long, device=device)  # [R]
        logits = self.model.logits(hidden[rows])  # [R, vocabulary]
        return Computed(
            self.sample(logits, [row(entry) for entry in entries if entry.ready]),
            self.scored_prompts(hidden, entries),  # part 10
        )

    def scored_prompts(  # part 10
        self, hidden: Tensor, entries: Iterable[Entry]
    ) -> dict[str, list[LogprobRows]]:
        """Score the prompts of those who ask for it. hidden [T, width]."""
        scored, first = {}, 0
        for entry in entries:
            sequence = entry.sequence
            most = sequence.request.params.prompt_logprobs
            end = len(sequence.request.prompt)
            if most is not None and entry.start < end:
                last = min(entry.start + entry.count, end - 1)  # nothing follows the last one
                after = torch.tensor(sequence.ids[entry.start + 1 : last + 1], device=hidden.device)
                rows = hidden[first : first + len(after)]
                scored[sequence.id] = score_prompt(self.model.logits, rows, after, most)
            first += entry.count
        return scored


def span(entry: Entry) -> Span:
    """Whose tokens attention will see, and where they are in their sequence."""
    return Span(
        entry.start,
        entry.count,
        entry.sequence.id,  # part 7
    )


def row(entry: Entry) -> Row:
    """Whose next token a row of logits scores."""
    sequence = entry.sequence
    request = sequence.request
    return Row(
        request.params,
        sequence.ids,
        prompt=len(request.prompt),
        stops=sequence.stops,
        choice=request.choice,
    )
