"""Attention by hand, in Python's own numbers, against the learner's."""

import math
from functools import partial

import torch
from torch.nn import functional

LOGS = tuple(math.log(number) for number in (1, 2, 3, 4))
ARTICLE = "ln 1, ln 2, ln 3"

# q, k and v of one head, a row a token; the scale; what the numbers in k are.
BY_HAND = (
    # The article's example: its first token, its first two, all three, and parts of it.
    ([[1]], [LOGS[:1]], [[6]], 1.0, "ln 1"),
    ([[1]] * 2, [[n] for n in LOGS[:2]], [[6], [12]], 1.0, "ln 1, ln 2"),
    ([[1]], [[n] for n in LOGS[:3]], [[6], [12], [0]], 1.0, ARTICLE),
    ([[1]] * 2, [[n] for n in LOGS[:3]], [[6], [12], [0]], 1.0, ARTICLE),
    ([[1]] * 3, [[n] for n in LOGS[:3]], [[6], [12], [0]], 1.0, ARTICLE),
    # 8; then 8/10 + 36/10 = 4.4; then 8/8 + 12/8 + 64/8 = 10.5.
    ([[2], [4], [2]], [[LOGS[0]], [LOGS[2]], [LOGS[3]]], [[8], [4], [16]], 0.5, "ln 1, ln 3, ln 4"),
    # [4, 0]; then a fourth of it and three fourths of [8, 4]: [7, 3].
    ([[2, 0], [2, 2]], [[0, 0], [LOGS[2], 0]], [[4, 0], [8, 4]], 0.5, "0, 0 and ln 3, 0"),
)

# T, S, heads, kv_heads, head_dim of random ones: the smallest first.
SHAPES = (
    (3, 3, 2, 2, 2),
    (2, 2, 4, 2, 1),
    (2, 3, 1, 1, 4),
    (3, 5, 6, 2, 4),
    (7, 7, 4, 4, 8),
)

# What an error may come from. Each says whether a case is of its kind.
ONLY_WHERE = {
    "S is larger than T": lambda q, k: len(k) > len(q),
    "kv_heads is smaller than heads": lambda q, k: k.shape[1] < q.shape[1],
    "S is larger than T, or kv_heads smaller than heads": lambda q, k: (
        len(k) > len(q) or k.shape[1] < q.shape[1]
    ),
}


def check(exam):
    from ruvon.attention.full import causal_attention
    from ruvon.seams import LayerSpec

    def forbidden(*arguments, **keywords):
        exam.need(False, "Write it without scaled_dot_product_attention.")

    functional.scaled_dot_product_attention = forbidden
    stopped = []
    for q, k, v, scale, told in cases():
        layer = LayerSpec(0, q.shape[1], k.shape[1], q.shape[2], scale)
        ran = False
        with exam.case(f"causal_attention(layer, q, k, v){told}", q=q, k=k, v=v, scale=scale):
            given = [t.clone() for t in (q, k, v)]
            got = causal_attention(layer, *given)
            ran = True
            exam.equal(got, by_hand(q, k, v, scale), partial(mistakes, q, k, v, scale))
            exam.need(
                all(torch.equal(a, b) for a, b in zip(given, (q, k, v), strict=True)),
                "It changes the tensors that it is given. They belong to the caller.",
            )
        if not ran:
            stopped.append((q, k, exam.failures[-1]))
    for where, is_so in ONLY_WHERE.items():
        if stopped and all(is_so(q, k) for q, k, _ in stopped):
            for _, _, failure in stopped:
                failure["message"] += f". It stops only where {where}."
            break


def cases():
    """-> q, k, v, scale, what is to be said of them. The first can be done on paper."""
    for *rows, scale, keys in BY_HAND:
        yield *(torch.tensor(r, dtype=torch.float32)[:, None] for r in rows), scale, f", k: {keys}"
    generator = torch.Generator().manual_seed(0)
    for T, S, heads, kv_heads, head_dim in SHAPES:
        q = round_normal(generator, T, heads, head_dim)
        k = round_normal(generator, S, kv_heads, head_dim)
        v = round_normal(generator, S, kv_heads, head_dim)
        yield q, k, v, 0.4, ""


def round_normal(generator, *shape):
    """Random numbers with one digit after the point, so that they can be read."""
    return (torch.randn(*shape, generator=generator) * 20).round() / 10


def mistakes(q, k, v, scale):
    """What known mistakes make of the same tensors."""
    S, ahead = len(k), len(k) - len(q)
    turned = torch.arange(q.shape[1]) % k.shape[1]
    made = partial(by_hand, q, k, v, scale)
    return {
        "Tokens see what comes after them: the causal mask is missing.": made(
            sees=lambda t, s: True
        ),
        "A token does not see itself. It may.": made(sees=lambda t, s: s < t + ahead),
        "A token sees the one right after it: the mask begins one too late.": made(
            sees=lambda t, s: s <= t + ahead + 1
        ),
        "The T tokens are the last of the S, not the first.": made(sees=lambda t, s: s <= t),
        "The mask is upside down: tokens see what comes after, not what came before.": made(
            sees=lambda t, s: s >= t + ahead
        ),
        "The mask is upside down: tokens see only what comes after them, and the last one sees "
        "nothing.": made(sees=lambda t, s: s > t + ahead),
        "The scale is missing.": by_hand(q, k, v, 1.0),
        "The scale is `layer.scale`. It need not be 1/sqrt(head_dim).": by_hand(
            q, k, v, q.shape[2] ** -0.5
        ),
        "The scale belongs to the scores, before the softmax.": scale * by_hand(q, k, v, 1.0),
        "Divide by nothing: `scale` is already the factor.": by_hand(q, k, v, 1 / scale),
        "Heads share key heads in the wrong order: neighbours share one.": by_hand(
            q, k[:, turned], v[:, turned], scale
        ),
        "The keys were summed in the place of the values.": by_hand(q, k, k, scale),
        "What may not be seen got score 0. After the softmax that is still a weight.": made(
            hidden=0.0
        ),
        "The mask comes after the softmax: the weights of a token no longer sum to 1.": made(
            masked_weight=0.0
        ),
        "Minus infinity belongs to the scores, before the softmax. Here it became a weight.": made(
            masked_weight=-math.inf
        ),
        "The softmax runs over the wrong dimension: a token's weights have to sum to 1.": made(
            over_queries=True
        ),
        "The mean of the values came out. Do the scores count?": by_hand(q * 0, k, v, scale)
        if S > 1
        else None,
    }


def by_hand(q, k, v, scale, sees=None, hidden=-math.inf, over_queries=False, masked_weight=None):
    """Attention, head by head and token by token. `sees(t, s)` says who may look at whom.

    With `masked_weight`, what may not be seen gets that weight, after the softmax over all.
    """
    T, S, ahead = len(q), len(k), len(k) - len(q)
    sees = sees or (lambda t, s: s <= t + ahead)
    shared = q.shape[1] // k.shape[1]
    out = torch.zeros_like(q)
    for head in range(q.shape[1]):
        keys, values = k[:, head // shared], v[:, head // shared]
        rows = [
            [
                scale * float((q[t, head] * keys[s]).sum())
                if sees(t, s) or masked_weight is not None
                else hidden
                for s in range(S)
            ]
            for t in range(T)
        ]
        powers = [[math.exp(score) for score in row] for row in rows]
        for t in range(T):
            for s in range(S):
                total = sum(p[s] for p in powers) if over_queries else sum(powers[t])
                weight = powers[t][s] / total if total else math.nan
                if masked_weight is not None and not sees(t, s):
                    weight = masked_weight
                out[t, head] += weight * values[s]
    return out
