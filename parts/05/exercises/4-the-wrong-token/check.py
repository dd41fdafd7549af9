"""Chances in round numbers, filtered one token at a time; and PyTorch calls are counted."""

import math
import random
from functools import partial
from itertools import permutations
from pathlib import Path

import torch
from checking import original
from torch.overrides import TorchFunctionMode

OFF = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
STILL = "As before: what was meant for one id has come to another."
FOUR = (0.1, 0.4, 0.2, 0.3)
FIVE = (0.10, 0.30, 0.05, 0.40, 0.15)
SORTS = ("sort", "argsort", "topk", "kthvalue", "msort")
BANNED = 0.0  # the chance of a token whose logit is minus infinity


def check(exam):
    from ruvon.sampling import stochastic as module

    # Two other exercises, which may be open still.
    engine = original("ruvon/sampling/stochastic.py", part=5)
    module.adjusted, module.inverse_cdf = engine.adjusted, engine.inverse_cdf
    assert table() in (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    for chances in permutations((0.2, 0.3, 0.5)):
        ask(exam, [chances], [{"top_k": 1}])
    for chances, asked in (
        ((0.4, 0.6), {}),
        ((0.5, 0.2, 0.3), {"top_k": 2}),
        ((0.5, 0.2, 0.3), {"top_p": 0.6}),
        ((0.3, 0.5, 0.2), {"top_p": 0.4}),
        ((0.2, 0.5, 0.3), {"top_k": 2}),
        ((0.2, 0.5, 0.3), {"top_k": -1}),
        ((0.2, 0.5, 0.3), {"top_k": 3}),
        ((0.2, 0.5, 0.3), {"top_k": 7}),
        ((0.2, 0.5, 0.3), {"top_p": 0.6}),
        ((0.2, 0.5, 0.3), {"top_p": 0.4}),
        ((0.2, 0.5, 0.3), {"top_p": 0.9}),
        ((0.2, 0.5, 0.3), {"top_p": 1e-9}),
        ((0.2, 0.5, 0.3), {"min_p": 0.5}),
        ((0.2, 0.5, 0.3), {"min_p": 0.3}),
        ((0.2, 0.5, 0.3), {"min_p": 1.0}),
        ((0.3, 0.1, 0.3, 0.3), {"top_k": 2}),
        ((0.2, 0.4, 0.2, 0.2), {"top_k": 2}),
        (FOUR, {"top_k": 3, "top_p": 0.7}),
        (FOUR, {"top_k": 2, "min_p": 0.8}),
        (FOUR, {"top_p": 0.85, "min_p": 0.6}),
        (FIVE, {"top_k": 3, "top_p": 0.75}),
        (FIVE, {"top_p": 0.8}),
        (FIVE, {"min_p": 0.2}),
        (FIVE, {"top_p": 0.8, "min_p": 0.3}),
        (FIVE, {"top_k": 4, "top_p": 0.87, "min_p": 0.3}),
        ((0.5, BANNED, 0.3, 0.2), {"top_k": 2}),
        ((0.6, BANNED, 0.4), {"top_k": 3, "top_p": 0.5}),
        ((0.6, BANNED, 0.4, BANNED), {"top_k": 3}),
        ((BANNED, 1.0, BANNED), {"top_p": 0.5}),
        ((BANNED, 1.0, BANNED), {"min_p": 0.5}),
    ):
        ask(exam, [chances], [asked])
    equals(exam)
    off_is_off(exam)
    together(exam)
    counted(exam)
    cooled(exam)
    drawn(exam)
    no_scores(exam)


def equals(exam):
    """Half of the chances, exactly: floating point has no say in it."""
    from ruvon.sampling.stochastic import kept

    logits = torch.zeros(1, 4)
    with exam.case("kept(logits, rows)", logits=logits, rows={"top_p": 0.5}):
        got = kept(logits, new_rows([{"top_p": 0.5}]))
        exam.need(
            (got > 0).sum() == 2,
            "Four tokens of the same chance, and top_p = 0.5: two of them have that much together.",
            got=got,
        )


def together(exam):
    """Rows with parameters of their own."""
    ask(exam, [FOUR, FOUR], [{"top_k": 1}, {"top_k": 3}])
    ask(exam, [FOUR, FOUR], [{}, {"top_k": 2}])
    ask(exam, [FOUR, FOUR], [{"top_p": 0.6}, {}])
    ask(exam, [FOUR, (0.3, 0.2, 0.4, 0.1)], [{"top_p": 0.6}, {"top_p": 0.8}])
    ask(exam, [(0.97, 0.01, 0.01, 0.01), FOUR], [{}, {"min_p": 0.6}])
    ask(exam, [FOUR, FOUR], [{"min_p": 0.6}, {}])
    ask(
        exam,
        [FIVE, FIVE[::-1], FIVE, FIVE[::-1], FIVE],
        [
            {"top_k": 2},
            {"top_p": 0.8},
            {"min_p": 0.3},
            {},
            {"top_k": 4, "top_p": 0.75, "min_p": 0.6},
        ],
    )
    random.seed(0)
    rows, asked = [], []
    for _ in range(10):
        weights = random.sample(range(1, 400), 30)  # no two are equal
        rows.append([weight / sum(weights) for weight in weights])
        asked.append(
            {
                "top_k": random.choice((0, -1, 3, 12, 30, 40)),
                "top_p": random.choice((1.0, 0.31, 0.72, 0.97)),
                "min_p": random.choice((0.0, 0.0, 0.2125, 0.6375)),
            }
        )
    ask(exam, rows, asked)


def off_is_off(exam):
    """A row without top-p beside one that has it, and a chance that a sum loses."""
    from ruvon.sampling.stochastic import kept

    logits = torch.tensor([[0.0, -20.0, -21.0, -22.0, -23.0], [-20.0, 0.0, -1.0, -2.0, -3.0]])
    asked = [{}, {"top_p": 0.5}]
    with exam.case("kept(logits, rows)", logits=logits, rows=asked):
        got = kept(logits, new_rows(asked))
        exam.need(torch.is_tensor(got) and got.shape == logits.shape, "The shape is not [2, 5].")
        exam.need(
            (got[0] > 0).all(),
            "The first row has top_p = 1, which is off, and yet tokens are dropped. Their chances "
            "are so small that the sum before them rounds to 1.",
            got=got,
        )
        exam.need(
            (got[1] > 0).tolist() == [False, True, False, False, False],
            "The second row is to keep one token.",
            got=got,
        )


def ask(exam, chances, asked):
    """One call. `asked` has for each row what is on."""
    from ruvon.sampling.stochastic import kept

    table = torch.tensor(chances)
    logits = table.log() + 1.5  # only differences count
    told = asked[0] or "all off" if len(asked) == 1 else asked
    with exam.case("kept(chances.log(), rows)", chances=table, rows=told):
        before = logits.clone()
        got = kept(logits, new_rows(asked))
        want = torch.tensor([filtered(row, of) for row, of in zip(chances, asked, strict=True)])
        exam.equal(got, want, partial(mistakes, chances, asked), why(got, want))
        exam.need(
            torch.equal(logits, before),
            "It changes the logits that it is given. They belong to the caller.",
        )


def why(got, want):
    """What to say when no mistake is known."""
    if not torch.is_tensor(got) or got.shape != want.shape:
        return ""
    if got.isnan().any():
        return (
            "There is a NaN. Softmax of nothing but minus infinity is one: every token of the row "
            "was dropped."
        )
    if ((got > 0) == (want > 0)).all():
        return "The right tokens are kept, with the wrong chances."
    if (got > 0).sum() > (want > 0).sum():
        return "Too many tokens are kept."
    if (got > 0).sum() < (want > 0).sum():
        return "Too few tokens are kept."
    return "As many tokens are kept as should be, but other ones."


def new_rows(asked):
    """Rows of the engine."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams

    return [Row(SamplingParams(**{"temperature": 1.0, **of}), [0], prompt=1) for of in asked]


def filtered(chances, asked, order=("top_k", "top_p", "min_p"), **faults):
    """One row, by the filters in this order. -> the chances after them."""
    asked = {**OFF, **asked}
    left = list(chances)
    for name in order:
        kept = FILTERS[name](left, asked[name], faults)
        left = [chance if keep else 0.0 for chance, keep in zip(left, kept, strict=True)]
        last = name == order[-1]
        if faults.get("crossed") and name == "top_p":
            left = crossed_over(chances, left)
        if not faults.get("never" if last else "once"):
            left = [chance / sum(left) if sum(left) else math.nan for chance in left]
    return left


def crossed_over(chances, left):
    """Each place of the sort asks the place of its id: what the engine does today."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    dropped = [left[token] == 0 for token in order]
    return [0.0 if dropped[order[i]] else chance for i, chance in enumerate(chances)]


def by_top_k(chances, k, faults):
    """The k likeliest, and their equals."""
    if not 0 < k < len(chances):
        return [True] * len(chances)
    k = max(1, k + faults.get("more", 0))
    least = sorted(chances, reverse=True)[min(k, len(chances)) - 1]
    if faults.get("exactly"):
        order = sorted(range(len(chances)), key=lambda i: -chances[i])[:k]
        return [i in order for i in range(len(chances))]
    return [chance >= least for chance in chances]


def by_top_p(chances, most, faults):
    """The likeliest, until they have as much."""
    if most >= 1:
        return [True] * len(chances)
    keep = [False] * len(chances)
    total = 0.0
    order = sorted(range(len(chances)), key=lambda i: -chances[i])
    if faults.get("least"):
        order.reverse()
    for place, token in enumerate(order):
        before, total = total, total + chances[token]
        keep[token] = before < most
        if faults.get("crossing"):
            keep[token] = total <= most or (faults["crossing"] == "one" and place == 0)
    return keep


def by_min_p(chances, share, faults):
    """What has this share of the highest."""
    highest = 1.0 if faults.get("absolute") else max(chances)
    return [chance >= share * highest for chance in chances]


FILTERS = {"top_k": by_top_k, "top_p": by_top_p, "min_p": by_min_p}


def mistakes(chances, asked):
    """What known mistakes make of all rows."""

    def each(**how):
        pairs = zip(chances, asked, strict=True)
        return torch.tensor([filtered(row, of, **how) for row, of in pairs])

    crossed = "The token with which the sum reaches top_p is kept, too."
    right = each()
    made = {
        crossed: each(crossing="one"),
        f"{crossed} So one is always left.": each(crossing="all"),
        "top-p adds up chances that are renormalised after top-k.": each(once=True),
        "What is kept has to be renormalised: each row sums to 1.": each(never=True),
        "min_p is a share of the likeliest one's chance. Here it is taken for a chance.": each(
            absolute=True
        ),
        "Here top_p comes before top_k.": each(order=("top_p", "top_k", "min_p")),
        "Here min_p comes first.": each(order=("min_p", "top_k", "top_p")),
        "Here min_p comes before top_p.": each(order=("top_k", "min_p", "top_p")),
        "top_k keeps one more than k.": each(more=1),
        "top_k keeps one less than k.": each(more=-1),
        "A token that is as likely as the k-th is dropped.": each(exactly=True),
        STILL: each(crossed=True),
        "The chances stand in the order of the sort. Each belongs to its id.": right.sort(
            dim=-1, descending=True
        )[0],
        "The chances stand in the order of the sort. Each belongs to its id. ": right.sort(dim=-1)[
            0
        ],
        "The chances are right, and still to be filtered.": torch.tensor(chances),
        "top_p adds up from the least likely. It begins with the likeliest.": each(least=True),
        "These are logits. Chances are wanted.": torch.where(right > 0, right.log(), -math.inf),
    }
    made |= {
        f"{name} is ignored.": torch.tensor(
            [filtered(row, {**of, name: OFF[name]}) for row, of in zip(chances, asked, strict=True)]
        )
        for name in OFF
        if any(name in of for of in asked)
    }
    if len(asked) > 1:
        own = "Each row has parameters of its own. Here all rows get those of the first."
        made[own] = torch.tensor([filtered(row, asked[0]) for row in chances])
        highest = max(max(row) for row in chances)
        made["Each row has its own likeliest token. Here min_p looks at that of all rows."] = (
            torch.tensor(
                [over_all(row, of, highest) for row, of in zip(chances, asked, strict=True)]
            )
        )
    return made


def over_all(row, asked, highest):
    """min-p with the highest chance of all rows."""
    left = filtered(row, {**asked, "min_p": 0.0})
    share = asked.get("min_p", 0.0)
    kept = [chance if chance >= share * highest else 0.0 for chance in left]
    return [chance / sum(kept) if sum(kept) else math.nan for chance in kept]


class Counting(TorchFunctionMode):
    """Counts what PyTorch does with tables: with what is as wide as the vocabulary."""

    def __init__(self, size):
        super().__init__()
        self.size, self.calls, self.sorts = size, 0, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        several = made if isinstance(made, tuple | list) else (made,)
        works = name == "__setitem__" or any(isinstance(one, torch.Tensor) for one in several)
        held = [t for t in (*args, *several) if isinstance(t, torch.Tensor)]
        self.calls += works and any(self.size in tensor.shape for tensor in held)
        self.sorts += name in SORTS
        return made


def counted(exam):
    """No loop over rows, and no sort that nobody asked for."""
    from ruvon.sampling.stochastic import kept

    every = {"top_k": 20, "top_p": 0.9, "min_p": 0.1}

    def count(asked):
        logits = torch.linspace(-3, 3, 64).expand(len(asked), 64).clone()
        with Counting(64) as counting:
            kept(logits, new_rows(asked))
        return counting

    with exam.case("the same with 2 rows and with 8 rows of 64 tokens"):
        two, eight = (count([every] * rows).calls for rows in (2, 8))
        exam.need(
            two == eight,
            "More rows take more PyTorch calls: there is a loop over the rows. All rows go "
            "through together.",
            calls_for_2_rows=two,
            calls_for_8_rows=eight,
        )
    for asked in ([{}, {}], [{"min_p": 0.5}, {"top_k": -1}], [{"top_k": 64}, {"top_k": 99}]):
        with exam.case("kept(logits, rows) of 64 tokens", rows=asked):
            exam.need(
                count(asked).sorts == 0,
                "It sorts, and no row has top-k or top-p on.",
            )
    for asked in ([{}, {"top_k": 3}], [{"top_p": 0.9}, {}]):
        with exam.case("kept(logits, rows) of 64 tokens", rows=asked):
            count(asked)


def cooled(exam):
    """Temperature: what `tempered` promises."""
    from ruvon.sampling.stochastic import tempered

    for logits, temperatures, want in (
        ([[1.0, 3.0]], [2.0], [[-1.0, 0.0]]),
        ([[1.0, 3.0]], [0.5], [[-4.0, 0.0]]),
        ([[1.0, 3.0]], [0.0], [[-2.0, 0.0]]),
        ([[1.0, 3.0], [5.0, 4.0], [-1.0, -2.0]], [2.0, 0.0, 0.25], [[-1, 0], [0, -1], [0, -4]]),
        ([[90.0, 80.0]], [1e-38], [[0.0, -math.inf]]),
    ):
        given, by = torch.tensor(logits), torch.tensor(temperatures)[:, None]
        with exam.case("tempered(logits, temperature)", logits=given, temperature=by):
            exam.equal(
                tempered(given, by),
                torch.tensor(want, dtype=torch.float32),
                otherwise="This was right before. The bug is elsewhere.",
            )


def drawn(exam):
    """Whole draws, of rows that differ."""
    random.seed(1)
    rows = []
    for seed in range(24):
        row = {"temperature": random.choice((0.0, 0.7, 1.0, 2.0)), "seed": seed}
        row |= random.choice(({}, {"top_k": 2}, {"top_p": 0.6}, {"min_p": 0.3}))
        rows.append(row)
    for asked in ([{"top_k": 1, "seed": 1}], [{"temperature": 0.0}], rows, rows[::-1]):
        logits = [random.sample((1.0, 2.0, 3.1, 4.3, -2.0, 0.5), 6) for _ in asked]
        draws(exam, logits, asked)


def draws(exam, logits, asked):
    """One call of the sampler, against a walk along the chances."""
    from ruvon.sampling.stochastic import stochastic
    from ruvon.sampling.stochastic import uniform

    given, rows = torch.tensor(logits), new_rows(asked)
    told = asked[0] if len(asked) == 1 else f"{len(asked)} rows that differ"
    want = []
    for scores, row in zip(logits, asked, strict=True):
        heat = row.get("temperature", 1.0)
        raised = [math.exp(score / (heat or 1)) for score in scores]
        on = {name: row[name] for name in OFF if name in row}
        chances = filtered([value / sum(raised) for value in raised], on)
        at, token = uniform(row.get("seed", 0), 0, 1), -1
        while at >= 0:
            token += 1
            at -= chances[token]
        want.append(token if heat else scores.index(max(scores)))
    with exam.case("stochastic(logits, rows).ids", logits=given, rows=told):
        before = given.clone()
        got = stochastic(given, rows).ids
        exam.equal(got.tolist(), want, otherwise="Some row has drawn another token.")
        exam.need(torch.equal(given, before), "It changes the logits that it is given.")


def no_scores(exam):
    """Logits that are no scores, beside others; and halves."""
    from ruvon.sampling.stochastic import stochastic

    nan, inf = math.nan, math.inf
    logits = torch.tensor([[1.0, nan], [1.0, 2.0], [inf, 1.0], [-inf, -inf], [-inf, 1.0]])
    for heat in (0.0, 1.0):
        asked = [{"temperature": heat, "top_k": 1}] * 5
        with exam.case("stochastic(logits, rows).ids", logits=logits, rows=asked[0]):
            got = stochastic(logits, new_rows(asked)).ids.tolist()
            exam.equal(
                got,
                [-1, 1, -1, -1, 1],
                otherwise="A row that is no scores has no token, -1. The others have theirs.",
            )
    logits = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.bfloat16)
    with exam.case("stochastic(logits, rows).ids", logits=logits, rows={"top_k": 1}):
        got = stochastic(logits, new_rows([{"top_k": 1}])).ids.tolist()
        exam.equal(got, [2])
    with exam.case("stochastic(logits, rows).ids, a banned token", logits=logits):
        asked = [{"temperature": 0.0, "logit_bias": {0: 50.0}}]
        exam.equal(stochastic(logits, new_rows(asked)).ids.tolist(), [0])


def table():
    """The table of the text: what the bug makes of three chances."""
    lines = []
    for chances in sorted(permutations((0.2, 0.3, 0.5)), key=lambda c: c[::-1], reverse=True):
        kept = filtered(chances, {"top_k": 1}, crossed=True)
        said = ", ".join(map(str, chances))
        lines.append(f"| {said} | id {kept.index(max(kept))} |")
    return "\n".join(lines)
