"""Writes tests/parts/01/golden.json with `transformers`: python tests/make_goldens.py.

To be run again whenever the weights of `story` change.
"""

import json
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel
from transformers import GPT2TokenizerFast

from ruvon.zoo import locate

PROMPT = "Once upon a time, there was a little girl named Lily."
COLUMNS = range(0, 2048, 128)


def golden(folder: Path, prompt: str) -> dict[str, object]:
    """What the reference says after every token of `prompt`, in float32."""
    network = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    ids = GPT2TokenizerFast.from_pretrained(folder)(prompt)["input_ids"]
    with torch.inference_mode():
        logits = network(torch.tensor([ids])).logits[0]  # [T, vocabulary]
    first, second = logits.topk(2).values.unbind(-1)
    assert (first - second).min() > 1e-3, "two tokens are too near to pin the better one"
    return {
        "model": folder.name,
        "dtype": "float32",
        "prompt": prompt,
        "ids": ids,
        "best": logits.argmax(-1).tolist(),
        "columns": list(COLUMNS),
        "logits": [[round(x, 5) for x in row] for row in logits[:, list(COLUMNS)].tolist()],
    }


if __name__ == "__main__":
    out = Path(__file__).parent / "parts/01/golden.json"
    rows = [f'"{k}": {json.dumps(v)}' for k, v in golden(locate("story"), PROMPT).items()]
    out.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"wrote {out}")
