"""Attention by hand, in Python's own numbers, against the learner's."""

import math
from functools import partial

import torch
from torch.nn import functional

# T, S, heads, kv_heads, head_dim: the smallest first.
SHAPES = (
    (1, 1, 1, 1, 1),
    (2, 2, 1, 1, 1),
    (3, 3, 1, 1, 1),
    (1, 3, 1, 1, 1),
    (2, 3, 1, 1, 2),
    (3, 3, 2, 2, 2),
    (2, 2, 4, 2, 1),
    (3, 5, 6, 2, 4),
    (7, 7, 4, 4, 8),
)


def check(exam):
    from ruvon.attention.full import causal_attention
    from ruvon.seams import LayerSpec

    def forbidden(*arguments, **keywords):
        exam.need(False, "Write it without scaled_dot_product_attention.")

    functional.scaled_dot_product_attention = forbidden
    generator = torch.Generator().manual_seed(0)
    for T, S, heads, kv_heads, head_dim in SHAPES:
        q = round_normal(generator, T, heads, head_dim)
        k = round_normal(generator, S, kv_heads, head_dim)
        v = round_normal(generator, S, kv_heads, head_dim)
        layer = LayerSpec(0, heads, kv_heads, head_dim, 0.5)
        with exam.case("causal_attention(layer, q, k, v)", q=q, k=k, v=v, scale=layer.scale):
            given = [t.clone() for t in (q, k, v)]
            got = causal_attention(layer, *given)
            exam.equal(got, by_hand(q, k, v, 0.5), partial(mistakes, q, k, v))
            exam.need(
                all(torch.equal(a, b) for a, b in zip(given, (q, k, v), strict=True)),
                "It changes the tensors that it is given. They belong to the caller.",
            )


def round_normal(generator, *shape):
    """Random numbers with one digit after the point, so that they can be read."""
    return (torch.randn(*shape, generator=generator) * 20).round() / 10


def mistakes(q, k, v):
    """What known mistakes make of the same tensors."""
    S, ahead = len(k), len(k) - len(q)
    turned = torch.arange(q.shape[1]) % k.shape[1]
    return {
        "Tokens see what comes after them: the causal mask is missing.": by_hand(
            q, k, v, 0.5, sees=lambda t, s: True
        ),
        "A token does not see itself. It may.": by_hand(
            q, k, v, 0.5, sees=lambda t, s: s < t + ahead
        ),
        "A token sees the one right after it: the mask begins one too late.": by_hand(
            q, k, v, 0.5, sees=lambda t, s: s <= t + ahead + 1
        ),
        "The T tokens are the last of the S, not the first.": by_hand(
            q, k, v, 0.5, sees=lambda t, s: s <= t
        ),
        "The mask is upside down: tokens see what comes after, not what came before.": by_hand(
            q, k, v, 0.5, sees=lambda t, s: s >= t + ahead
        ),
        "The scale is missing.": by_hand(q, k, v, 1.0),
        "The scale belongs to the scores, before the softmax.": 0.5 * by_hand(q, k, v, 1.0),
        "Divide by nothing: `scale` is already the factor.": by_hand(q, k, v, 2.0),
        "Heads share key heads in the wrong order: neighbours share one.": by_hand(
            q, k[:, turned], v[:, turned], 0.5
        ),
        "What may not be seen got score 0. After the softmax that is still a weight.": by_hand(
            q, k, v, 0.5, hidden=0.0
        ),
        "The softmax runs over the wrong dimension: the weights of one token sum to 1.": by_hand(
            q, k, v, 0.5, over_queries=True
        ),
        "The mean of the values came out. Do the scores count?": by_hand(q * 0, k, v, 0.5)
        if S > 1
        else None,
    }


def by_hand(q, k, v, scale, sees=None, hidden=-math.inf, over_queries=False):
    """Attention, head by head and token by token. `sees(t, s)` says who may look at whom."""
    T, S, ahead = len(q), len(k), len(k) - len(q)
    sees = sees or (lambda t, s: s <= t + ahead)
    shared = q.shape[1] // k.shape[1]
    out = torch.zeros_like(q)
    for head in range(q.shape[1]):
        keys, values = k[:, head // shared], v[:, head // shared]
        rows = [
            [
                scale * float((q[t, head] * keys[s]).sum()) if sees(t, s) else hidden
                for s in range(S)
            ]
            for t in range(T)
        ]
        powers = [[math.exp(score) for score in row] for row in rows]
        for t in range(T):
            for s in range(S):
                total = sum(p[s] for p in powers) if over_queries else sum(powers[t])
                weight = powers[t][s] / total if total else math.nan
                out[t, head] += weight * values[s]
    return out
