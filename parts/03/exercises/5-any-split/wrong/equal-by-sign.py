# says: the numbers differ in the last digits only
"""3.5 Chunks change nothing. Write the test at the end; its text says what it is for."""

import torch

from ruvon.attention.full import FullAttention
from ruvon.models import load_model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

FOLDER = locate("story-nano")
MODEL = load_model(FOLDER, torch.float64)
IDS = torch.tensor(Tokenizer.from_dir(FOLDER).encode("One day, a big dog"))  # six tokens


@torch.inference_mode()
def feed(attention, sizes):
    """Compute tokens of IDS in chunks of these sizes. -> a row for each, [sum(sizes), width]."""
    rows = []
    for size in sizes:
        start = attention.computed
        attention.prepare([Span(start, size)])
        positions = torch.arange(start, start + size)
        rows.append(MODEL(IDS[positions], positions, attention))
    return torch.cat(rows)


def test_any_split_gives_the_same(new_attention):
    """Splits of IDS into chunks, enough of them, give what full attention gives in one pass."""
    want = feed(FullAttention(), [len(IDS)])
    for sizes in ([6], [1] * 6, [1, 5], [3, 3], [1, 1, 1, 3]):
        assert (feed(new_attention(), sizes) == want).all()
