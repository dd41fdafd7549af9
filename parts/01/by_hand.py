"""Part 1 on paper: the units that fail, the merges of one word, attention with whole numbers.

python parts/01/by_hand.py units|merges|attention
"""

import math
import re
import sys
from itertools import pairwise

import torch

from ruvon.attention.full import FullAttention
from ruvon.seams import LayerSpec
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

SEEN = "Once upon a time there was a tiny dog. The dog liked to play. One day the dog saw a dragon."
WORDS = re.compile(r"\w+|\S")
NEW = "The dragons opened a tiny café."


def units(tokenizer: Tokenizer) -> None:
    """How long `NEW` is in each unit, and what of it never stood in `SEEN`."""
    words = WORDS.findall(NEW)
    rows = (
        ("words", len(words), [word for word in words if word not in WORDS.findall(SEEN)]),
        ("characters", len(NEW), [character for character in NEW if character not in SEEN]),
        ("bytes", len(NEW.encode()), []),
        ("tokens", len(tokenizer.encode(NEW)), []),
    )
    print(NEW)
    for unit, length, unknown in rows:
        print(f"{length:4} {unit:11} unknown: {', '.join(unknown) or 'none'}")


def merges(tokenizer: Tokenizer, piece: str = " dragons") -> None:
    """The merges that turn the bytes of a piece into tokens, one a line."""
    tokens = [bytes([byte]) for byte in piece.encode()]
    print(f"{'':9} {show(tokens)}")
    while pairs := [a + b for a, b in pairwise(tokens) if a + b in tokenizer.ranks]:
        best = min(pairs, key=tokenizer.ranks.__getitem__)
        at = [a + b for a, b in pairwise(tokens)].index(best)
        tokens[at : at + 2] = [best]
        print(f"id {tokenizer.ranks[best]:6} {show(tokens)}")
    ids = [tokenizer.ranks[token] for token in tokens]
    assert ids == tokenizer.encode(piece)
    print(f"ids {ids}, as tiktoken has it")


def show(tokens: list[bytes]) -> str:
    return " | ".join(token.decode().replace(" ", "·") for token in tokens)


def attention() -> None:
    """Three tokens, one head of one number each; exp(score) is 1, 2 and 3."""
    q = torch.ones(3, 1, 1, dtype=torch.float64)
    k = torch.tensor([math.log(1), math.log(2), math.log(3)], dtype=torch.float64).view(3, 1, 1)
    v = torch.tensor([6.0, 12.0, 0.0], dtype=torch.float64).view(3, 1, 1)
    layer = LayerSpec(index=0, heads=1, kv_heads=1, head_dim=1, scale=1.0)
    out = FullAttention()(layer, q, k, v)
    print("out", [round(number, 6) for number in out.flatten().tolist()])


def main() -> None:
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "attention":
        attention()
        return
    tokenizer = Tokenizer.from_dir(locate("story"))
    shows = {"units": units, "merges": merges}
    if what not in shows:
        sys.exit(f"say which: {', '.join([*shows, 'attention'])}")
    shows[what](tokenizer)


if __name__ == "__main__":
    main()
