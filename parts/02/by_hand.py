"""Part 2: the loop with plain tensors, each step written down, and the engine's loop beside it."""

import torch

from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPT = "Once upon a"
NEW = 4


@torch.inference_mode()
def main() -> None:
    folder = locate("story")
    # In float64, where rounding decides nothing: the same text on every machine.
    tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float64)
    prompt = tokenizer.encode(PROMPT)
    known, fed = list(prompt), 0
    print("step  fed  positions  hidden         logits read     next token")
    for step in range(1, NEW + 1):
        tokens = torch.tensor(known)  # [T]
        hidden = model(tokens, torch.arange(len(known)), FullAttention())  # [T, width]
        logits = model.logits(hidden[-1:])  # [1, vocabulary]
        following = int(logits.argmax())
        fed += len(known)
        positions, shapes = f"0-{len(known) - 1}", [list(hidden.shape), list(logits.shape)]
        piece = repr(tokenizer.decode([following]))
        row = f"{step:4}  {len(known):3}  {positions:9}  {shapes[0]!s:13}  {shapes[1]!s:14}"
        print(f"{row}  {following:4} {piece}")
        known.append(following)
    print(f"{fed} tokens computed. {len(known)} are known, and the last of them was never fed.")
    steps = generate(model, FullAttention(), prompt, SamplingParams(max_tokens=NEW))
    same = [token for step in steps for token in step.ids] == known[len(prompt) :]
    assert same, "the engine's loop must find the same tokens"
    print("The engine's loop finds the same tokens.")


if __name__ == "__main__":
    main()
