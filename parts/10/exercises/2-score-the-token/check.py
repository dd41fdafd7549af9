"""Rows of logits against sums in plain numbers; then what PyTorch was asked to make."""

import math
from contextlib import contextmanager
from functools import partial

import torch
from checking import Failed
from torch.utils._python_dispatch import TorchDispatchMode

BANNED = -math.inf
# Logits as what e to them is, then ids, most: the smallest first.
POWERS = (
    ([[1, 1]], [0], 0),
    ([[1, 3]], [1], 0),
    ([[1, 3]], [0], 1),
    ([[1, 2, 5]], [1], 2),
    ([[5, 2, 1]], [0], 3),
    ([[1, 2, 5]], [0], 4),
    ([[2, 1, 5]], [1], 0),
    ([[0, 1, 3]], [0], 1),
    ([[0, 1, 3]], [2], 3),
    ([[1, 3], [4, 1]], [0, 0], 1),
    ([[1, 2, 5], [3, 1, 4]], [2, 1], 2),
    ([[1, 2, 5], [3, 1, 4], [6, 2, 1]], [0, 2, 1], 9),
)
# Logits as they are.
LARGE = (
    ([[0, 500]], [0], 0),
    ([[0, 500]], [1], 2),
    ([[100, 101, 98]], [0], 2),
    ([[-1000, -1001]], [0], 2),
    ([[1000, 0], [0, -1000]], [1, 0], 1),
)
VOCABULARY, ROWS = 64, 4


def check(exam):
    for powers, ids, most in POWERS:
        logits = [[math.log(n) if n else BANNED for n in row] for row in powers]
        ask(exam, torch.tensor(logits), ids, most)
    for logits, ids, most in LARGE:
        ask(exam, torch.tensor(logits, dtype=torch.float32), ids, most)
    for dtype in (torch.bfloat16, torch.float16):
        ask(exam, torch.tensor([[0.0, 1.5, -2.25]], dtype=dtype), [2], 2)
    torch.manual_seed(0)
    logits = torch.randn(9, 40) * torch.tensor([[0.5], [3.0], [30.0]] * 3)
    ask(exam, logits, torch.randint(40, (9,)).tolist(), 5)
    tables(exam)


def ask(exam, logits, given, most):
    """One call, field by field."""
    from ruvon.sampling.logprobs import score

    ids = torch.tensor(given)
    with exam.case("score(logits, ids, most)", logits=logits, ids=ids, most=most):
        before = logits.clone()
        try:
            made = score(logits, ids, most)
        except RuntimeError as error:
            if "index k out of range" not in str(error):
                raise
            message = "most may be more than the vocabulary has. Then give all there are."
            raise Failed(message) from error
        exam.need(made is not None, "It gave back nothing (None). Is a `return` missing?")
        exam.need(
            all(hasattr(made, name) for name in ("ids", "values", "top_ids", "top_values")),
            "It has to give back LogprobRows.",
            got=made,
        )
        wanted = by_hand(logits, given, most)
        for name, want in wanted.items():
            with labelled(name):
                exam.equal(
                    getattr(made, name),
                    want,
                    partial(mistakes, name, logits, ids, most, want, wanted),
                )
        exam.need(
            torch.equal(logits, before) and ids.tolist() == given,
            "It changes the tensors that it is given. They belong to the caller.",
        )


@contextmanager
def labelled(name):
    """Say which field is shown."""
    try:
        yield
    except Failed as error:
        error.seen.insert(0, ("field", name))
        raise


def by_hand(logits, ids, most):
    """All four fields, row by row in Python's numbers."""
    values, top_ids, top_values = [], [], []
    for row, token in zip(logits.tolist(), ids, strict=True):
        highest = max(row)
        total = highest + math.log(sum(math.exp(x - highest) for x in row))
        ranked = sorted(range(len(row)), key=lambda i: -row[i])[:most]
        values.append(row[token] - total)
        top_ids.append(ranked)
        top_values.append([row[i] - total for i in ranked])
    return {
        "ids": torch.tensor(ids),
        "values": torch.tensor(values),
        "top_ids": torch.tensor(top_ids, dtype=torch.long).reshape(len(ids), -1),
        "top_values": torch.tensor(top_values).reshape(len(ids), -1),
    }


def mistakes(name, logits, ids, most, want, wanted):
    """What known mistakes make of a field."""
    if name == "ids":
        return {"`ids` are those that were given, not the likeliest.": logits.argmax(-1)}
    k = min(most, logits.shape[-1])
    least = logits.float().topk(k, dim=-1, largest=False)
    if name == "top_ids":
        return {
            "These are the least likely tokens.": least.indices,
            "The likeliest comes first.": want.flip(-1),
            "The ids have to stand in the order of their chances.": want.sort(-1).values,
        }

    def picked(table):
        """A field from a table of all tokens."""
        if name == "values":
            return table.gather(-1, ids[:, None])[:, 0]
        return table.gather(-1, wanted["top_ids"])

    wide, top = logits.float(), logits.float().topk(k, dim=-1)
    exact = wide.double().log_softmax(-1)
    powers = wide.exp()
    underflow = "A chance too small for float32 became 0 before its logarithm was taken."
    overflow = "e to a large logit is infinity in float32."
    narrow = "It is computed in 16 bits, and turned into float32 too late."
    made = {
        "These are probabilities. Logarithms are wanted.": picked(wide.softmax(-1)),
        "The natural logarithm is wanted, not that to the base 10.": want / math.log(10),
        "The natural logarithm is wanted, not that to the base 2.": want / math.log(2),
        "The sign is turned: the logarithm of a chance is 0 or less.": -want,
        "These are logits. The logarithm of the sum is not taken off.": picked(wide),
        "The sum goes over the vocabulary, one for each row. Here it goes over the rows.": picked(
            wide.log_softmax(0)
        ),
        "One sum serves all rows here. Each row has a sum of its own.": picked(
            wide - wide.flatten().logsumexp(0)
        ),
        underflow: picked(wide.softmax(-1).log()),
        overflow: picked((powers / powers.sum(-1, keepdim=True)).log()),
        f"{overflow} ": picked(wide - powers.sum(-1, keepdim=True).log()),
        "The highest logit is taken off, and the sum is not.": picked(
            wide - wide.amax(-1, keepdim=True)
        ),
        narrow: picked(logits.log_softmax(-1)).float(),
        f"{narrow} ": picked(logits - logits.logsumexp(-1, keepdim=True)).float(),
    }
    if name == "values":
        made["This is the likeliest token's score, not that of the one in `ids`."] = exact.amax(
            -1
        ).float()
    elif k:
        made["Divide by the sum over the vocabulary, not over the likeliest ones alone."] = (
            top.values.log_softmax(-1)
        )
        made["The likeliest comes first."] = want.flip(-1)
    return {told: value for told, value in made.items() if not same_place(value, want)}


def same_place(value, want):
    """Whether a mistake makes nothing wrong here."""
    return value.shape == want.shape and torch.allclose(value, want, 1e-4, 1e-4, equal_nan=True)


class Tables(TorchDispatchMode):
    """Collects the calls that give a new tensor of a whole table's size."""

    def __init__(self, given):
        super().__init__()
        self.size = given[0].numel()
        self.held = {tensor.untyped_storage().data_ptr() for tensor in given}
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if not isinstance(tensor, torch.Tensor) or tensor.numel() < self.size:
                continue
            if tensor.untyped_storage().data_ptr() not in self.held:  # else it is a view
                self.calls.append(func.overloadpacket.__name__.strip("_"))
        return made


def tables(exam):
    """No second table."""
    from ruvon.sampling.logprobs import score

    for most in (0, 3):
        logits = torch.linspace(-3, 3, VOCABULARY).expand(ROWS, VOCABULARY).clone()
        ids = torch.arange(ROWS)
        said = f"score(logits, ids, {most}) of {ROWS} rows and {VOCABULARY} tokens"
        with exam.case(said), Tables((logits, ids)) as tables:
            score(logits, ids, most)
            exam.need(
                not tables.calls,
                "A PyTorch call gives a new tensor as large as `logits`. One number a row is "
                "enough to take off.",
                calls=", ".join(tables.calls),
            )
