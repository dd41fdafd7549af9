"""Every way to cut a few tokens into pieces, against attention by hand."""

import math
from contextlib import contextmanager
from functools import partial
from itertools import combinations

import torch
from checking import original
from torch.nn import functional

CPU = torch.device("cpu")
VALUES = [12.0, 24.0, 36.0, 48.0]


def check(exam):
    watch_masks(exam)
    for total in range(1, len(VALUES) + 1):
        v = torch.tensor(VALUES[:total])[:, None, None]  # [T, 1, 1]
        zero = torch.zeros_like(v)
        for sizes in cuts(total):
            with exam.case(f"every query is 0, pieces of {sizes}", v=v):
                run(exam, sizes, zero, zero, v, whole(zero, zero, v), partial(mistakes, v, sizes))
    generator = torch.Generator().manual_seed(0)
    for heads, kv_heads, dtype in ((1, 1, torch.float32), (4, 2, torch.float64)):
        q, k, v = (
            ((torch.randn(5, n, 2, generator=generator) * 20).round() / 10).to(dtype)
            for n in (heads, kv_heads, kv_heads)
        )
        want = whole(q, k, v)
        for sizes in cuts(len(q)):
            with exam.case(f"pieces of {sizes}, in {dtype}", q=q, k=k, v=v):
                run(exam, sizes, q, k, v, want, dict)
    v = torch.tensor([*VALUES, 60.0])[:, None, None]
    with exam.case("every query is 0, room for 5, pieces of 3, 3 (refused) and 2", v=v):
        check_full(exam, v)
    with exam.case("every query is 0, one piece of 5, its span in a sequence of one", v=v):
        attention, (spec,), _ = new_attention(1, 1, 1, 1, 5, torch.float32)
        attention.prepare(One())
        zero = torch.zeros_like(v)
        exam.equal(attention(spec, zero, zero, v), whole(zero, zero, v))


class One:
    """The least that is a sequence of one span: a length, and what stands at 0."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        from ruvon.seams import Span

        if index != 0:
            raise IndexError(f"there is one span, and none at {index}")
        return Span(0, 5)


def watch_masks(exam):
    """See to it that PyTorch is asked in a way that every version of it answers."""
    fused = functional.scaled_dot_product_attention

    def watched(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **keywords):
        exam.need(
            query.shape[-2] > 1 or attn_mask is None,
            "A single token gets a mask. It sees all that is kept, so it needs none.",
        )
        exam.need(
            attn_mask is None or not is_causal,
            "PyTorch takes a mask or is_causal. With both, it raises an error or goes its own way.",
        )
        size = (query.shape[-2], key.shape[-2])
        if attn_mask is not None and attn_mask.shape[-2:] == size:
            check_mask(exam, attn_mask.reshape(-1, *size)[0])
        return fused(query, key, value, attn_mask, dropout_p, is_causal, **keywords)

    functional.scaled_dot_product_attention = watched


def check_mask(exam, mask):
    """A mask for several tokens: does it mean what its author means? [T, S]"""
    if mask.dtype == torch.bool:
        # The newest token sees all, the first of the piece does not see the newest.
        exam.need(
            mask[-1, 0] or not mask[0, -1],
            "In attn_mask, True means: may look.",
            attn_mask=mask,
        )
    else:
        exam.need(
            not (mask == 1).any() or not ((mask == 0) | (mask == 1)).all(),
            "A float mask is added to the scores. Use bool.",
            attn_mask=mask,
        )


def cuts(total):
    """All ways to cut so many tokens into pieces: the sizes of these."""
    for n in range(total):
        for inner in combinations(range(1, total), n):
            ends = [*inner, total]
            yield [end - start for start, end in zip([0, *inner], ends, strict=True)]


def new_attention(layers, heads, kv_heads, dim, room, dtype):
    """The learner's attention, its layers, and the cache of Part 3 that it is given."""
    from ruvon.attention.cached import CachedAttention
    from ruvon.seams import LayerSpec

    specs = [LayerSpec(i, heads, kv_heads, dim, 0.5) for i in range(layers)]
    cache = memory().ContiguousCache(specs, room, dtype, CPU)
    return CachedAttention(cache), specs, cache


def run(exam, sizes, q, k, v, want, made):
    """Give both layers the pieces, and compare; `made` is what known mistakes make of them."""
    from ruvon.seams import Span

    attention, specs, cache = new_attention(2, q.shape[1], *k.shape[1:], len(q) + 2, q.dtype)
    out = {spec: [] for spec in specs}
    start = 0
    for size in sizes:
        with allowed(exam, start):
            attention.prepare([Span(start, size)])
        here = slice(start, start + size)
        exam.need(
            cache.length == start + size,
            "After prepare, the cache has room for the new tokens, and for no more.",
            before=start,
            after=cache.length,
        )
        exam.need(
            attention.computed == cache.length,
            "`computed` is how many tokens the cache holds.",
            computed=attention.computed,
            holds=cache.length,
        )
        for spec in specs:
            given = [t[here].clone() for t in (q, k, v)]
            with allowed(exam, start):
                out[spec].append(attention(spec, *given))
            exam.need(
                all(torch.equal(a, t[here]) for a, t in zip(given, (q, k, v), strict=True)),
                "It changes the tensors that it is given. They belong to the caller.",
            )
        start += size
    for spec in specs:
        got = out[spec]
        exam.need(
            all(torch.is_tensor(t) for t in got)
            and [size for size, *_ in (t.shape for t in got)] == sizes,
            "Attention gives back a row for each token of the piece.",
        )
        exam.equal(torch.cat(got), want, made, "The pieces do not give what the whole gives.")


@contextmanager
def allowed(exam, start):
    """A piece that comes after others may not be refused."""
    from ruvon.errors import RuvonError

    try:
        yield
    except (AssertionError, RuvonError, ValueError) as error:
        if start == 0:
            raise
        exam.need(False, "A prompt in pieces stays allowed.", raised=error)


def whole(q, k, v):
    """What one piece gives, and so every other way to cut it."""
    return by_hand(q, k, v, [len(q)], lambda start, size, t: range(t + 1))


def mistakes(v, sizes):
    """What known mistakes make of the same pieces: which slots a piece's token t sees."""
    zero = torch.zeros_like(v)
    hand = partial(by_hand, zero, zero, v, sizes)

    def later(sees):
        """The first piece and single tokens as they should be."""
        return lambda start, size, t: (
            sees(start, size, t) if start and size > 1 else range(start + t + 1)
        )

    return {
        "A token of a later piece does not see all that came before it.": hand(
            later(lambda start, size, t: range(t + 1))
        ),
        "A token of a later piece sees what comes after it.": hand(
            later(lambda start, size, t: range(start + size))
        ),
        "A token of a later piece does not see itself.": hand(
            later(lambda start, size, t: range(start + t))
        ),
        "A token of a later piece sees the one right after it.": hand(
            later(lambda start, size, t: range(min(start + t + 2, start + size)))
        ),
        "A later piece has forgotten what came before it.": hand(
            later(lambda start, size, t: range(start, start + t + 1))
        ),
        "A later piece sees what is kept, and nothing of itself.": hand(
            later(lambda start, size, t: range(start))
        ),
        "A token does not see itself. The mask is one diagonal too low.": hand(
            lambda start, size, t: range(start + t + (size == 1))
        ),
        "The tokens in the cache are not looked at.": hand(
            lambda start, size, t: range(start, start + t + 1)
        ),
        "A single token sees all that is kept, and here it does not.": hand(
            lambda start, size, t: range(t + 1)
        ),
        "The first piece is causal, too.": hand(
            lambda start, size, t: range(start + t + 1 if start else size)
        ),
    }


def by_hand(q, k, v, sizes, sees):
    """Attention head by head and token by token; `sees(start, size, t)` are the slots."""
    shared = q.shape[1] // k.shape[1]
    out, start = torch.zeros_like(q), 0
    for size in sizes:
        for t in range(size):
            slots = list(sees(start, size, t))
            for head in range(q.shape[1]):
                scores = [0.5 * float(q[start + t, head] @ k[s, head // shared]) for s in slots]
                powers = [math.exp(score) for score in scores]
                for s, power in zip(slots, powers, strict=True):
                    out[start + t, head] += power / sum(powers) * v[s, head // shared]
        start += size
    return out


def check_full(exam, v):
    """A step that finds no room changes nothing, and a smaller one still fits."""
    from ruvon.seams import Span

    attention, (spec,), _ = new_attention(1, 1, 1, 1, 5, torch.float32)
    zero = torch.zeros_like(v)
    attention.prepare([Span(0, 3)])
    attention(spec, zero[:3], zero[:3], v[:3])
    refused = False
    try:
        attention.prepare([Span(3, 3)])
    except memory().CacheFull:
        refused = True
    exam.need(refused, "A step that needs too much room has to raise CacheFull, in prepare.")
    exam.need(attention.computed == 3, "A step was refused, and the length has changed.")
    attention.prepare([Span(3, 2)])
    got = attention(spec, zero[3:], zero[3:], v[3:])
    want = torch.tensor([30.0, 36.0])[:, None, None]
    exam.equal(got, want, otherwise="After a refused step the next one is not right.")


def memory():
    """The cache as Part 3 has it."""
    return original("ruvon/memory/contiguous.py", part=3)
