"""Part 3: the evidence. The formula beside the tensors, equal ids, the seeded bug, a trace."""

import sys

import torch
from torch import Tensor

from ruvon.attention import new_attention
from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.seams import LayerSpec
from ruvon.seams import Model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

CPU = torch.device("cpu")
PROMPTS = (
    "Once upon a time, there was a little girl named Lily. She",
    "One day, a big dog",
    "Tom and Sue were friends. They liked to",
    "In the forest there was a small bird who",
    "It was raining, and Ben",
)


class Restarted:
    """The seeded bug: a model whose positions restart at 0 in every step."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def __call__(self, tokens: Tensor, positions: Tensor, attention: CachedAttention) -> Tensor:
        return self.model(tokens, positions - positions[0], attention)


def memory(model: Model) -> dict:
    """The formula beside the tensors it speaks of. Deterministic."""
    layer, dtype = model.layers[0], model.dtype
    token = bytes_per_token(model.layers, dtype)
    cache = ContiguousCache(model.layers, model.context, dtype, CPU)
    tensors = [*cache.keys, *cache.values]
    held = sum(t.untyped_storage().nbytes() for t in tensors)
    assert held == token * model.context == cache.stats().allocated
    return {
        "layers": len(model.layers),
        "kv_heads": layer.kv_heads,
        "head_dim": layer.head_dim,
        "bytes": dtype.itemsize,
        "token": token,
        "context": model.context,
        "formula": token * model.context,
        "tensors": len(tensors),
        "held": held,
    }


@torch.inference_mode()
def logits_of(model: Model, ids: list[int], chunks: list[int]) -> Tensor:
    """The logits at every position, cached, in chunks that end at `chunks`. -> [T, vocabulary]."""
    attention = new_attention("cached", model, len(ids))
    rows = []
    for start, end in zip([0, *chunks[:-1]], chunks, strict=True):
        attention.prepare([Span(start, end - start)])
        hidden = model(torch.tensor(ids[start:end]), torch.arange(start, end), attention)
        rows.append(model.logits(hidden))
    return torch.cat(rows)


def ids_of(model: Model, prompt: list[int], new: int, way: str) -> list[int]:
    params = SamplingParams(max_tokens=new, ignore_eos=True)
    attention = new_attention(way, model, len(prompt) + new)
    return [i for inc in generate(model, attention, prompt, params) for i in inc.ids]


def equality(model: Model, tokenizer: Tokenizer, new: int = 60) -> dict:
    """Part 2's ids and logits against the cache's, right, and with the seeded bug."""
    values: dict = {"prompts": len(PROMPTS), "new_tokens": new, "equal": 0, "positions": 0}
    apart, wrong, first_wrong = {"one": 0.0, "pass": 0.0, "chunks": 0.0}, [], []
    for text in PROMPTS:
        prompt = tokenizer.encode(text)
        ids = ids_of(model, prompt, new, "full")
        values["equal"] += ids == ids_of(model, prompt, new, "cached")
        known = prompt + ids
        with torch.inference_mode():
            full = FullAttention()
            full.prepare([Span(0, len(known))])
            truth = model.logits(model(torch.tensor(known), torch.arange(len(known)), full))
        n = len(known)
        splits = {"pass": [n], "chunks": [*range(7, n, 7), n], "one": list(range(1, n + 1))}
        for name, ends in splits.items():
            apart[name] = max(apart[name], max_apart(logits_of(model, known, ends), truth))
        values["positions"] += n
        bug = logits_of(Restarted(model), known, [len(prompt), *range(len(prompt) + 1, n + 1)])
        wrong.append(max_apart(bug, truth))
        broken = ids_of(Restarted(model), prompt, new, "cached")
        first_wrong.append(next((i for i in range(new) if broken[i] != ids[i]), new) + 1)
        if text == PROMPTS[0]:
            values["right_text"] = text + tokenizer.decode(ids)
            values["bug_text"] = text + tokenizer.decode(broken)
    return values | {"apart": apart, "bug_apart": wrong, "bug_first_wrong": first_wrong}


def max_apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


def trace(model: Model, tokenizer: Tokenizer) -> dict:
    """Every step of a short generation as it happened, slots compared before and after."""
    prompt = tokenizer.encode("Once upon a time, there was")
    cache = ContiguousCache(model.layers, len(prompt) + 5, model.dtype, CPU)
    tensors = [*cache.keys, *cache.values]
    for tensor in tensors:
        tensor.fill_(torch.nan)  # so that a slot that is written differs from before
    known, steps = list(prompt), []

    class Recording(CachedAttention):
        def prepare(self, spans: list[Span]) -> None:
            event = {"start": spans[0].start, "count": spans[0].count, "before": cache.length}
            super().prepare(spans)
            steps.append(event | {"after": cache.length, "read": set()})

        def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            out = super().__call__(layer, q, k, v)
            steps[-1]["read"].add(cache.view(layer)[0].shape[1])
            return out

    attention = Recording(cache)
    for end in (4, *range(len(prompt), len(prompt) + 4)):
        held = [t.clone() for t in tensors]
        logits = step(model, attention, known[:end])
        new = [changed(old, now) for old, now in zip(held, tensors, strict=True)]
        assert all(slots == new[0] for slots in new), "every layer writes the same slots"
        event = steps[-1]
        assert event["read"] == {event["after"]}, "every layer reads all slots so far"
        event |= {"read": list(range(event["after"])), "written": new[0]}
        event["positions"] = list(range(event["start"], event["start"] + event["count"]))
        event["ids"] = known[event["start"] : end]
        event["pieces"] = [tokenizer.decode([i]) for i in event["ids"]]
        event["sampled"] = ""
        if end >= len(prompt):
            known.append(int(logits.argmax()))
            event["sampled"] = tokenizer.decode(known[-1:])
    return {"capacity": cache.capacity, "prompt_tokens": len(prompt), "steps": steps}


def changed(old: Tensor, now: Tensor) -> list[int]:
    """Which slots of [kv_heads, capacity, head_dim] hold other numbers than before."""
    same = (old == now) | (old.isnan() & now.isnan())
    return [slot for slot in range(old.shape[1]) if not bool(same[:, slot].all())]


@torch.inference_mode()
def show_waste(model: Model, tokenizer: Tokenizer) -> None:
    """What Part 2 computes again: the keys and values of two steps, side by side."""
    kept: list[list[Tensor]] = []

    class Keeping(FullAttention):
        def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            kept[-1].append(torch.stack([k, v]))  # [2, T, kv_heads, head_dim]
            return super().__call__(layer, q, k, v)

    ids = tokenizer.encode("Once upon a time, there was a")
    for end in (len(ids) - 1, len(ids)):
        kept.append([])
        step(model, Keeping(), ids[:end])
    before, after = (torch.stack(layers) for layers in kept)  # [layers, 2, T, kv_heads, head_dim]
    old = before.shape[2]
    same = torch.allclose(before, after[:, :, :old], atol=1e-3)
    print(f"step 1 computed {old} tokens, step 2 computed {after.shape[2]}")
    print(f"keys and values of the first {old}, in all {len(before)} layers, the same: {same}")


def show_bug(model: Model, tokenizer: Tokenizer) -> None:
    """The seeded bug beside the truth."""
    prompt = tokenizer.encode(PROMPTS[0])
    for name, network in (("right", model), ("positions restart", Restarted(model))):
        ids = ids_of(network, prompt, 24, "cached")
        print(f"{name}:\n  ...{tokenizer.decode(ids)!r}")


def show_walk(model: Model, tokenizer: Tokenizer) -> None:
    """The recorded trace, one line a step."""
    print("start  count  cache     written  read    tokens -> sampled")
    for event in trace(model, tokenizer)["steps"]:
        written, read = event["written"], event["read"]
        cells = (
            f"{event['start']:5}  {event['count']:5}",
            f"{event['before']:2} to {event['after']:2}",
            f"{written[0]}-{written[-1]}".rjust(9),
            f"{read[0]}-{read[-1]}".rjust(6),
            f"  {event['pieces']} -> {event['sampled'] or 'nothing yet'!s}",
        )
        print("  ".join(cells))


def main() -> None:
    shows = {"waste": show_waste, "bug": show_bug, "walk": show_walk}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    folder = locate("story")
    shows[sys.argv[1]](load_model(folder, torch.float32), Tokenizer.from_dir(folder))


if __name__ == "__main__":
    main()
