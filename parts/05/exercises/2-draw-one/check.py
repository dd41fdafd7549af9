"""Rows of a few chances against a walk over them, in exact fractions."""

import random
from fractions import Fraction
from functools import partial

import torch

TINY = 2.0**-25
# Chances, and the numbers to draw with: the smallest first.
ROWS = (
    ([1.0], [0.0, 0.5]),
    ([0.5, 0.5], [0.25, 0.75, 0.0, 0.5]),
    ([0.25, 0.75], [0.2, 0.3, 0.25]),
    ([0.75, 0.25], [0.7, 0.8]),
    ([0.0, 1.0], [0.0, 0.4]),
    ([1.0, 0.0], [0.99]),
    ([0.25, 0.0, 0.5, 0.25], [0.2, 0.3, 0.9, 0.25, 0.75, 0.0]),
    ([0.0, 0.0, 0.5, 0.0, 0.5, 0.0], [0.0, 0.4, 0.5, 0.999]),
    ([0.125, 0.125, 0.5, 0.25], [0.1, 0.2, 0.3, 0.7, 0.8]),
    # Sums that are not 1, more so than rounding makes them.
    ([0.5, 0.25], [0.9, 0.7, 0.65]),
    ([0.5, 0.25, 0.0], [0.9, 0.8]),
    ([0.0, 0.5, 0.375, 0.0], [0.96, 0.99]),
    ([0.75, 0.75], [0.4, 0.6]),
)
DROPPED = "It draws a token whose chance is 0."
WALK = (
    "A sum is passed when it is above the number. At the number itself, the token before it is "
    "over already."
)


def check(exam):
    from ruvon.sampling.stochastic import inverse_cdf

    torch.multinomial = torch.Tensor.multinomial = own_draw(exam)
    for chances, numbers in ROWS:
        for number in numbers:
            one(exam, inverse_cdf, [chances], [number])
    one(exam, inverse_cdf, [[0.25, 0.75], [0.5, 0.5]], [0.9, 0.2])
    one(exam, inverse_cdf, [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]], [0.1, 0.3, 0.8])
    one(exam, inverse_cdf, [[0.5, 0.25, 0.0], [0.25, 0.5, 0.25]], [0.9, 0.9])
    one(exam, inverse_cdf, [[0.5, 0.25, 0.25]] * 4, [0.9, 0.6, 0.4, 0.5])
    one(exam, inverse_cdf, [[0.25, 0.75]] * 2, [0.1, 0.5], dtype=torch.float64)
    small(exam, inverse_cdf)
    many(exam, inverse_cdf)


def one(exam, inverse_cdf, rows, numbers, dtype=torch.float32):
    """One call, against the walk."""
    chances = torch.tensor(rows, dtype=dtype)
    uniform = torch.tensor([[number] for number in numbers], dtype=torch.float64)
    with exam.case("inverse_cdf(chances, uniform)", chances=chances, uniform=uniform):
        compare(exam, inverse_cdf, chances, uniform)


def compare(exam, inverse_cdf, chances, uniform):
    """Call it; ids of any whole dtype will do."""
    before = chances.clone(), uniform.clone()
    got = inverse_cdf(chances, uniform)
    form(exam, got, len(chances))
    rows, numbers = chances.tolist(), uniform[:, 0].tolist()
    want = [walk(row, number) for row, number in zip(rows, numbers, strict=True)]
    ids = got.tolist()
    inside = all(0 <= token < len(row) for token, row in zip(ids, rows, strict=True))
    known = mistakes(rows, numbers)
    exam.need(
        inside or any(ids == made() for made in known.values()),
        "This is no id of the vocabulary. If no sum is above the number, there is nothing to find.",
        got=ids,
        vocabulary=len(rows[0]),
    )
    otherwise = "Another token is drawn."
    if inside and not all(row[token] for token, row in zip(ids, rows, strict=True)):
        otherwise = DROPPED
    exam.equal(ids, want, lambda: {said: made() for said, made in known.items()}, otherwise)
    exam.need(
        torch.equal(chances, before[0]) and torch.equal(uniform, before[1]),
        "It changes what it is given. That belongs to the caller.",
    )


def form(exam, got, rows):
    """Ids, one for each row."""
    exam.need(got is not None, "It gave back nothing (None). Is a `return` missing?")
    exam.need(isinstance(got, torch.Tensor), "It has to give back a tensor of ids.", got=got)
    exam.need(
        got.shape == (rows,),
        f"The shape is {list(got.shape)}, and should be {[rows]}: an id for each row.",
        got=got,
    )
    exam.need(
        not got.is_floating_point() and got.dtype != torch.bool,
        f"Ids are whole numbers, and these are {got.dtype}.",
        got=got,
    )


def small(exam, inverse_cdf):
    """A chance that float32 loses beside 0.5."""
    chances = torch.tensor([[0.5, TINY, 0.5 - TINY]])
    uniform = torch.tensor([[0.5 + TINY / 2]], dtype=torch.float64)
    with exam.case(
        "chances 1/2, a / 2, (1 - a) / 2 with a = 2**-24, and u just above 1/2",
        chances=chances,
        uniform=uniform,
    ):
        got = inverse_cdf(chances, uniform)
        form(exam, got, 1)
        exam.need(
            got.tolist() != [2],
            "The middle token can never be drawn: in float32 the sum of 0.5 and its small chance "
            "is 0.5. Add up in float64.",
            got=got,
        )
        exam.equal(got.tolist(), [1])


def many(exam, inverse_cdf):
    """Rows of 40 tokens, half of them dropped."""
    random.seed(0)
    rows = []
    for _ in range(32):
        weights = [random.choice((0, 0, 1, 2, 5, 9)) for _ in range(40)]
        weights[random.randrange(40)] = 3
        rows.append([weight / 128 for weight in weights])
    numbers = [random.random() for _ in rows]
    one(exam, inverse_cdf, rows, numbers)


def walk(row, number, whole=True, passed=lambda total, number: total > number):
    """Go along the chances until their sum is above the number's share of the whole."""
    exact = [Fraction(chance) for chance in row]
    at = Fraction(number) * (sum(exact) if whole else 1)
    total = Fraction(0)
    for token, chance in enumerate(exact):
        total += chance
        if passed(total, at):
            return token
    return None


def mistakes(rows, numbers):
    """What known mistakes draw: callables by their message."""
    pairs = list(zip(rows, numbers, strict=True))

    def each(draw):
        return [draw(row, number) for row, number in pairs]

    def reached(row, number, whole=True):
        return walk(row, number, whole, lambda total, at: total >= at)

    def plain_else(last, draw=walk):
        def made(row, number):
            found = draw(row, number, whole=False)
            return last(row) if found is None else found

        return partial(each, made)

    def by_chance(row, number):
        order = sorted(range(len(row)), key=lambda token: -row[token])
        return order[walk([row[token] for token in order], number)]

    short = "These chances sum to less than 1, and the number is above all sums. "
    whole = "Take what a row sums to as the whole: the number is a share of it."
    return {
        WALK: partial(each, reached),
        f"{short}{whole} Or else the first token is drawn.": plain_else(lambda row: 0),
        f"{short}{whole} Or else the last token is drawn, even one whose chance is 0.": plain_else(
            lambda row: len(row) - 1
        ),
        f"{short}{whole}": plain_else(len),
        whole: plain_else(lambda row: max(i for i, chance in enumerate(row) if chance)),
        f"{WALK} ": plain_else(lambda row: len(row) - 1, reached),
        "The likeliest token is not always the one: it has to be drawn.": partial(
            each, lambda row, number: row.index(max(row))
        ),
        "The number is compared with each chance alone, not with their sum so far.": partial(
            each,
            lambda row, number: next((i for i, chance in enumerate(row) if chance > number), 0),
        ),
        "The chances are added up in order of the ids. Sorted, they are other tokens.": partial(
            each, by_chance
        ),
        "This is the token before the one on which the number falls.": partial(
            each, lambda row, number: walk(row, number) - 1
        ),
        "This is the last token whose sum is above the number. Take the first.": partial(
            each, lambda row, number: len(row) - 1
        ),
        "This is the first token whose sum is not above the number.": partial(
            each, lambda row, number: 0
        ),
        "Each row has a number of its own.": lambda: [walk(row, numbers[0]) for row in rows],
    }


def own_draw(exam):
    """In the place of torch.multinomial."""

    def multinomial(*arguments, **keywords):
        exam.need(
            False,
            "torch.multinomial draws a number of its own. The number is given here, so that a seed "
            "means a text.",
        )

    return multinomial
