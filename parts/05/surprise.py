"""Part 5: what docs/part5-advanced-entropy.md counts: entropy and surprise, along texts."""

import statistics
from itertools import chain

import torch
from by_hand import entropy
from evidence import FLAT
from evidence import PEAKED
from evidence import chances
from evidence import next_logits
from evidence import row
from evidence import vllm_order
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import stochastic
from ruvon.seams import Model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer

# Written for this page; `story` has not been trained on it.
TEXT = """Once upon a time, there was a little boy named Ben. Ben had a red kite. One windy day, \
he took his kite to the hill behind the house. The kite went up and up, until it was as small as \
a bird. Then the string broke. Ben was sad. He ran after the kite, over the hill and down to the \
river. There, in a tall tree, sat the kite. A girl was sitting under the tree. "Is this your \
kite?" she asked. "Yes," said Ben. "But I can not climb that high." The girl smiled. She climbed \
up the tree and brought the kite down. "Thank you," said Ben. "Do you want to fly it with me?" \
They tied a new string to the kite and went back to the hill. When the sun went down, they shared \
an apple and walked home."""
SENTENCE = " He flew the red kite over the river."
BEGINNINGS = (
    "Once upon a time",
    "One day, a little boy",
    "Tom and Sue were friends",
    "The big dog",
    "Lily had a red ball",
    "In the forest there was",
    "A bird sat in a tree",
    "Mom said",
    "It was raining",
    "The little car",
)
TOP_P, MIN_P, TYPICAL = 0.9, 0.1, 0.5
BITS = torch.tensor(2.0).log()


@torch.inference_mode()
def logits_along(model: Model, ids: list[int]) -> Tensor:
    """The logits after each token of a text. -> [T, vocabulary]"""
    attention = FullAttention()
    attention.prepare([Span(0, len(ids))])
    hidden = model(torch.tensor(ids), torch.arange(len(ids)), attention)
    return model.logits(hidden).float()


def entropies(logits: Tensor) -> Tensor:
    """Bits of each row. [T, vocabulary] -> [T]"""
    logs = logits.log_softmax(dim=-1)
    return -(logs.exp() * logs).sum(dim=-1) / BITS


def surprises(logits: Tensor, following: list[int]) -> Tensor:
    """Bits of the token that came. [T, vocabulary] -> [T]"""
    logs = logits.log_softmax(dim=-1)
    return -logs.gather(-1, torch.tensor(following)[:, None])[:, 0] / BITS


def along_a_text(model: Model, tokenizer: Tokenizer) -> dict:
    """Entropy and surprise at every position of TEXT, and what two filters keep there."""
    ids = tokenizer.encode(TEXT)
    logits = logits_along(model, ids)[:-1]
    bits, came = entropies(logits), surprises(logits, ids[1:])
    by_p = chances(logits, [row(top_p=TOP_P)] * len(logits))
    by_min = chances(logits, [row(min_p=MIN_P)] * len(logits))
    both = chances(logits, [row(top_p=TOP_P, min_p=MIN_P)] * len(logits))
    vllm = torch.cat([vllm_order(one[None], TOP_P, MIN_P) for one in logits])
    other = ((both > 0) != (vllm > 0)).any(dim=-1)
    unlike = typical_drops(logits, bits)
    least, most = int(bits.argmin()), int(bits.argmax())

    def place(at: int) -> dict:
        before = tokenizer.decode(ids[max(0, at - 4) : at + 1])
        return {"before": before, "came": tokenizer.decode([ids[at + 1]]), "bits": float(bits[at])}

    return {
        "tokens": len(ids),
        "predicted": len(ids) - 1,
        "pieces": [tokenizer.decode([i]) for i in ids[1:]],
        "entropy": rounded(bits),
        "surprise": rounded(came),
        "mean_entropy": float(bits.mean()),
        "mean_surprise": float(came.mean()),
        "effective": float(2 ** bits.mean()),
        "perplexity": float(2 ** came.mean()),
        "uniform_bits": float(torch.tensor(float(logits.shape[-1])).log2()),
        "top_p": TOP_P,
        "min_p": MIN_P,
        "kept_top_p": (by_p > 0).sum(dim=-1).tolist(),
        "kept_min_p": (by_min > 0).sum(dim=-1).tolist(),
        "most_top_p": int((by_p > 0).sum(dim=-1).max()),
        "most_min_p": int((by_min > 0).sum(dim=-1).max()),
        "one_top_p": int(((by_p > 0).sum(dim=-1) == 1).sum()),
        "one_min_p": int(((by_min > 0).sum(dim=-1) == 1).sum()),
        "lost_top_p": float((by_p.gather(-1, torch.tensor(ids[1:])[:, None]) == 0).sum()),
        "lost_min_p": float((by_min.gather(-1, torch.tensor(ids[1:])[:, None]) == 0).sum()),
        "order_differs": int(other.sum()),
        "order_most": int(((both > 0).sum(dim=-1) - (vllm > 0).sum(dim=-1)).max()),
        "typical_p": TYPICAL,
        "typical_drops_best": int(unlike.sum()),
        "least": place(least),
        "most": place(most),
    }


def typical_drops(logits: Tensor, bits: Tensor) -> Tensor:
    """Where typical sampling would not keep the likeliest token. [T, vocabulary] -> [T]"""
    chance = logits.softmax(dim=-1)
    apart = (-chance.log() / BITS - bits[:, None]).abs()
    best = chance.argmax(dim=-1, keepdim=True)
    nearer = chance.where(apart < apart.gather(-1, best), 0.0).sum(dim=-1)
    return nearer >= TYPICAL


def rounded(numbers: Tensor) -> list[float]:
    return [round(number, 4) for number in numbers.tolist()]


def of_knobs(model: Model, tokenizer: Tokenizer) -> dict:
    """Entropy and kept tokens of a flat and of a peaked distribution, against each knob."""
    grids: dict[str, list] = {
        "temperature": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0],
        "top_k": [2**n for n in range(12)],
        "top_p": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999],
        "min_p": [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0],
    }
    values: dict = {"grids": grids, "prompts": {"flat": FLAT, "peaked": PEAKED}}
    for name, prompt in values["prompts"].items():
        logits = next_logits(model, tokenizer, prompt)
        plain = chances(logits, [row()])[0]
        values[name] = {"entropy": entropy(plain.tolist()), "best": float(plain.max())}
        for knob, grid in grids.items():
            made = [chances(logits, [row(**{knob: value})])[0] for value in grid]
            values[name][knob] = {
                "entropy": [entropy(p.tolist()) for p in made],
                "kept": [int((p > 0).sum()) for p in made],
                "at": {f"{v:g}": int((p > 0).sum()) for v, p in zip(grid, made, strict=True)},
            }
    return values


def loops(model: Model, tokenizer: Tokenizer, new: int = 160, window: int = 20) -> dict:
    """Entropy along greedy and along drawn texts, and how much of them was said before."""
    prompts = [tokenizer.encode(text) for text in BEGINNINGS]
    values: dict = {"beginnings": len(prompts), "new_tokens": new, "window": window, "gram": 8}
    for name, params in (
        ("greedy", {}),
        ("drawn", {"temperature": 1.0, "seed": 0}),
        ("penalised", {"repetition_penalty": 1.2}),
    ):
        bits, came, repeated = [], [], []
        for prompt in prompts:
            asked = SamplingParams(**{"max_tokens": new, "ignore_eos": True, **params})
            ids = list(prompt) + made(model, prompt, asked)
            logits = logits_along(model, ids)[len(prompt) - 1 : -1]
            bits.append(entropies(logits).tolist())
            came.append(surprises(logits, ids[len(prompt) :]).tolist())
            repeated.append(said_before(ids, 8)[len(prompt) :])
        pairs = list(zip(chain(*bits), chain(*repeated), strict=True))
        apart = [c - b for c, b in zip(chain(*came), chain(*bits), strict=True)]
        looped = [number for number, mark in pairs if mark]
        values[name] = {
            "fresh": statistics.fmean(number for number, mark in pairs if not mark),
            "looped": statistics.fmean(looped) if looped else 0.0,
            "entropy": windows(bits, window),
            "repeated": windows(repeated, window),
            "mean_entropy": statistics.fmean(chain(*bits)),
            "mean_surprise": statistics.fmean(chain(*came)),
            "standard_error": statistics.stdev(apart) / len(apart) ** 0.5,
            "share": statistics.fmean(chain(*repeated)),
            "last_repeated": windows(repeated, window)[-1],
        }
    return values


def repetition(model: Model, tokenizer: Tokenizer, times: int = 6) -> dict:
    """A sentence said again and again: bits of each telling."""
    first, line = tokenizer.encode(TEXT.split(".")[0] + "."), tokenizer.encode(SENTENCE)
    ids = first + line * times
    logits = logits_along(model, ids)[len(first) - 1 : -1]
    bits = entropies(logits).reshape(times, len(line)).mean(dim=-1)
    came = surprises(logits, line * times).reshape(times, len(line)).mean(dim=-1)
    return {
        "sentence": SENTENCE.strip(),
        "times": times,
        "tokens": len(line),
        "entropy": rounded(bits),
        "surprise": rounded(came),
    }


def made(model: Model, prompt: list[int], params: SamplingParams) -> list[int]:
    """The new tokens of one continuation."""
    looks = new_attention("cached", model, len(prompt) + (params.max_tokens or 0))
    return [i for inc in generate(model, looks, prompt, params, sample=stochastic) for i in inc.ids]


def said_before(ids: list[int], length: int) -> list[float]:
    """1 for each token that ends a run of `length` tokens which stood in the text before."""
    seen: set[tuple[int, ...]] = set()
    marks = []
    for end in range(1, len(ids) + 1):
        run = tuple(ids[max(0, end - length) : end])
        marks.append(float(len(run) == length and run in seen))
        seen.add(run)
    return marks


def windows(rows: list[list[float]], size: int) -> list[float]:
    """The mean of each window of positions, over all rows."""
    ends = range(0, len(rows[0]), size)
    return [statistics.fmean(x for line in rows for x in line[at : at + size]) for at in ends]
