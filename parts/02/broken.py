"""Part 2: the loop with one line wrong, twice, and what that looks like."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.seams import Attention
from ruvon.seams import Model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPTS = ("Once upon a time", "One day, a little")
NEW = 10


class Forgetful(FullAttention):
    """Says that a token is computed once it was fed, and has kept nothing of it."""

    def prepare(self, spans: Sequence[Span]) -> None:
        self.computed = spans[0].start + spans[0].count  # the wrong line


class FirstRow:
    """A model whose logits are read after the first token, not after the last known one."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.context, self.device, self.logits = model.context, model.device, model.logits

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        return self.model(tokens, positions, attention)[:1]  # the wrong line


def main() -> None:
    folder = locate("story")
    # In float64, where rounding decides nothing: the same text on every machine.
    tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float64)
    ways = {
        "right": (model, FullAttention),
        "only the last token": (model, Forgetful),
        "the first row": (FirstRow(model), FullAttention),
    }
    for prompt in PROMPTS:
        print(prompt)
        for name, (network, attention) in ways.items():
            ids, params = tokenizer.encode(prompt), SamplingParams(max_tokens=NEW)
            steps = generate(network, attention(), ids, params)
            text = tokenizer.decode([token for step in steps for token in step.ids])
            print(f"  {name:20} {text!r}")
        print()


if __name__ == "__main__":
    main()
