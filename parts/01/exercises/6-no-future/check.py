"""Causal attention, three times right and many times wrong, for the learner's test to judge."""

from functools import partial

import torch


def check(exam):
    test = exam.tests["test_no_token_sees_the_future"]
    exam.judge(
        test,
        {
            "causal attention with matrices": guarded(attention),
            "causal attention token by token": guarded(token_by_token),
            "causal attention in float64, head by head": guarded(head_by_head),
        },
        {name: guarded(subject) for name, subject in WRONG.items()},
    )
    if not accepts(test, attention) and any(accepts(test, it) for it in (Still(), Still(-1))):
        for failure in exam.failures:
            failure["message"] += " Row t may change when token t does."


def accepts(test, subject):
    """Whether a learner's test finds nothing wrong with the subject."""
    torch.manual_seed(0)
    try:
        test(guarded(subject))
    except Exception:
        return False
    return True


class Still:
    """Attention in which row t stays as it was when token t changes, too. No test may ask for it.

    What was, is the first call, or the one before. A test that rejects `attention` and accepts
    this one compares one row too many.
    """

    def __init__(self, which=0):
        self.which = which
        self.calls = []

    def __call__(self, q, k, v):
        out = attention(q, k, v)
        if self.calls and self.calls[self.which][0].shape == out.shape:
            before, *given = self.calls[self.which]
            changed = [(a != b).flatten(1).any(1) for a, b in zip(given, (q, k, v), strict=True)]
            rows = torch.stack(changed).any(0).tolist()
            stays = rows.index(True) + 1 if True in rows else len(rows)
            out[:stays] = before[:stays]
        self.calls.append([t.clone() for t in (out, q, k, v)])
        return out


def guarded(attend):
    """`attend`, for tensors of the shape that the text names, and for nothing else."""

    def run(q, k, v):
        shapes = [list(t.shape) for t in (q, k, v)]
        if len(shapes[0]) != 3 or 0 in shapes[0] or shapes != [shapes[0]] * 3:
            raise ValueError(
                "attend takes q, k and v of one shape [T, heads, head_dim], not "
                f"{shapes[0]}, {shapes[1]} and {shapes[2]}"
            )
        return attend(q, k, v)

    run.__name__ = run.__qualname__ = "attend"  # as an error calls it
    return run


def ahead(T):
    """[1, T, T], true where a token would see one that comes after it."""
    return torch.ones(1, T, T, dtype=torch.bool).triu(1)


def attention(q, k, v, hidden=float("-inf"), mask=ahead):
    """What `mask` marks gets the score `hidden`. Where it marks what comes after, it is right."""
    scores = torch.einsum("thd,shd->hts", q, k) * q.shape[-1] ** -0.5
    scores = torch.where(mask(len(q)), torch.tensor(hidden), scores)
    return torch.einsum("hts,shd->thd", scores.softmax(dim=-1), v)


def token_by_token(q, k, v):
    """Right, with another scale."""
    rows = []
    for t in range(len(q)):
        powers = (q[t] * k[: t + 1]).sum(-1, keepdim=True).exp()
        rows.append((powers / powers.sum(0) * v[: t + 1]).sum(0))
    return torch.stack(rows)


def head_by_head(q, k, v):
    """Right, with a scale of 2, and more exact than it has to be."""
    out = torch.empty_like(v)
    for head in range(q.shape[1]):
        scores = 2 * q[:, head].double() @ k[:, head].double().T
        scores = scores.masked_fill(ahead(len(q))[0], -torch.inf)
        out[:, head] = (scores.softmax(dim=-1) @ v[:, head].double()).float()
    return out


def masked_afterwards(q, k, v):
    """The weights are right but for their sum, which the keys of the future are in."""
    weights = torch.einsum("thd,shd->hts", q, k).softmax(dim=-1)
    return torch.einsum("hts,shd->thd", weights * ~ahead(len(q)), v)


def centred_values(q, k, v):
    """The weights are right."""
    return attention(q, k, v - v.mean(dim=0))


def next_query(q, k, v):
    """Each token asks with the query of the one after it; the last with its own."""
    return attention(torch.cat([q[1:], q[-1:]]), k, v)


def no_mask(T):
    return torch.zeros(1, T, T, dtype=torch.bool)


def one_too_late(T):
    return ahead(T).triu(2)


def last_token_only(T):
    """Only the last token is hidden, from all but itself."""
    mask = no_mask(T)
    mask[:, :-1, -1] = True
    return mask


def all_rows_but_one(T):
    """The row above the last one sees all."""
    mask = ahead(T)
    mask[:, -2:] = False
    return mask


def two_tokens_only(T):
    return ahead(T) if T <= 2 else no_mask(T)


def first_head_only(q, k, v):
    """The other heads have no mask."""
    out = attention(q, k, v, mask=no_mask)
    out[:, :1] = attention(q, k, v)[:, :1]
    return out


WRONG = {
    "attention without a mask": partial(attention, mask=no_mask),
    "a mask that begins one token too late": partial(attention, mask=one_too_late),
    "a mask that is there for two tokens, not for more": partial(attention, mask=two_tokens_only),
    "a mask that hides the last token only": partial(attention, mask=last_token_only),
    "a mask that leaves out the last row but one": partial(attention, mask=all_rows_but_one),
    "a mask for the first head only": first_head_only,
    "the score 0 for what may not be seen": partial(attention, hidden=0.0),
    "the score -10 for what may not be seen": partial(attention, hidden=-10.0),
    "a mask that is put on after the softmax, when the keys have had their effect": (
        masked_afterwards
    ),
    "a right mask, but the mean of all values is taken from each value": centred_values,
    "a right mask, but each token asks with the query of the next one": next_query,
}
