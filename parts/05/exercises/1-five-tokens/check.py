"""The sampler of Part 5 is asked; wrong thoughts are computed with plain numbers."""

import math

import torch
from checking import original

CHANCES = (0.10, 0.30, 0.05, 0.40, 0.15)
LOGITS = (2.8, 1.0, -1.0, -1.5)
SEEN = (0, 2)
HELD = "These are those that are dropped. Which may be drawn?"


def check(exam):
    answers = {}
    for key, value in exam.answers.items():  # a set of ids has no order
        known = isinstance(value, list) and all(isinstance(token, int) for token in value)
        answers[key] = sorted(value) if known and key != "penalty_order" else value
    exam.answers = answers
    one_parameter(exam)
    two_parameters(exam)
    drawn(exam)
    penalised(exam)


def one_parameter(exam):
    """top-k, top-p, min-p, each alone."""
    ask(
        exam,
        "top_k_2",
        {"top_k": 2},
        {
            ids(ranked(CHANCES)[-2:]): "These are the two least likely.",
            (0, 1): "These are the first two ids. top-k takes the likeliest.",
            ids(ranked(CHANCES)[:3]): "That is one too many.",
            ids(ranked(CHANCES)[:1]): "That is one too few.",
        },
    )
    below = "Their sum is still below top_p. The token that makes it large enough is kept, too."
    ask(
        exam,
        "top_p_08",
        {"top_p": 0.8},
        {
            first_under(CHANCES, 0.8): below,
            ids(ranked(CHANCES)[:4]): "Fewer will do: stop as soon as the sum is large enough.",
            ids(i for i, c in enumerate(CHANCES) if c <= 0.8): (
                "No single chance is compared with top_p, but the sum of the likeliest."
            ),
            (): "No single chance is compared with top_p, but the sum of the likeliest.",
        },
    )
    ask(
        exam,
        "top_p_035",
        {"top_p": 0.35},
        {
            (): "The token that makes the sum large enough is kept. So one is always left.",
            ids(ranked(CHANCES)[1:2]): "top-p begins with the likeliest token, even if it alone "
            "has more than that.",
            ids(ranked(CHANCES)[:2]): "Fewer will do.",
        },
    )
    ask(
        exam,
        "min_p_02",
        {"min_p": 0.2},
        {
            ids(i for i, c in enumerate(CHANCES) if c >= 0.2): (
                "min-p is no chance. It is a share of the likeliest one's chance."
            ),
            tuple(range(5)): "One of them has too little, beside the likeliest one.",
            first_under(CHANCES, 0.9): "Some token that you drop has enough, beside the likeliest.",
        },
    )


def two_parameters(exam):
    """What comes first matters."""
    ask(
        exam,
        "top_k_3_top_p_075",
        {"top_k": 3, "top_p": 0.75},
        {
            ids(ranked(CHANCES)[:3]): (
                "After top-k the chances are renormalised, and top-p adds up the new ones."
            ),
            ids(ranked(CHANCES)[:1]): "The token that makes the sum large enough is kept, too.",
        },
    )
    hot = "Temperature comes first. These are the tokens at temperature 1."
    ask(
        exam,
        "temperature_05_top_p_08",
        {"temperature": 0.5, "top_p": 0.8},
        {
            kept_ids(top_p=0.8): hot,
            kept_ids(temperature=2.0, top_p=0.8): (
                "Below 1, temperature makes the likely tokens likelier still, not the others."
            ),
            first_under(powers(2), 0.8): "The token that makes the sum large enough is kept, too.",
        },
    )
    ask(
        exam,
        "temperature_2_min_p_03",
        {"temperature": 2.0, "min_p": 0.3},
        {
            kept_ids(min_p=0.3): hot,
            kept_ids(temperature=0.5, min_p=0.3): (
                "Above 1, temperature makes the chances more equal: it takes their roots."
            ),
            ids(i for i, c in enumerate(powers(0.5)) if c >= 0.3): (
                "min-p is no chance. It is a share of the likeliest one's chance."
            ),
            ids(ranked(CHANCES)[:4]): (
                "The root of a small chance is not that small. Compare roots with roots."
            ),
        },
    )


def drawn(exam):
    """One token for a number."""
    sums = "Add up the chances from id 0 on. The first sum that is above u says which id."
    exam.answer(
        "u_06",
        draw(0.6),
        {
            **dict.fromkeys(range(5), sums),
            by_hand(0.6, ranked(CHANCES)): (
                "The chances are added up in order of the ids, not the highest first."
            ),
        },
    )
    left = draw_plain({i: CHANCES[i] for i in ranked(CHANCES)[:2]}, 0.42)
    exam.answer(
        "u_042_top_k_2",
        draw(0.42, top_k=2),
        {
            **dict.fromkeys(range(5), "Only two tokens are left. " + sums),
            by_hand(0.42, range(5)): "This one was dropped: only two tokens are left.",
            left: "The two that are kept are renormalised before the draw. They sum to 1.",
        },
    )
    exam.answer(
        "u_005_temperature_0",
        draw(0.05, temperature=0.0),
        {
            **dict.fromkeys(range(5), "At temperature 0 the likeliest is taken."),
            by_hand(0.05, range(5)): "At temperature 0 nothing is drawn.",
        },
    )


def penalised(exam):
    """The order of four logits after the penalty."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams

    row = Row(SamplingParams(repetition_penalty=2.0), list(SEEN), prompt=1)
    logits = original("ruvon/sampling/stochastic.py", part=5).adjusted(
        torch.tensor([LOGITS]), [row]
    )

    def order(change):
        return tuple(ranked([change(x) if i in SEEN else x for i, x in enumerate(LOGITS)]))

    right = ranked(logits[0].tolist())
    exam.answer(
        "penalty_order",
        right,
        {
            order(lambda x: x / 2): (
                "Half of -1.0 is -0.5, which is more. Has the penalty made token 2 less likely?"
            ),
            order(lambda x: x - 2): "A repetition penalty is not taken off. Logits are divided or "
            "multiplied by it.",
            order(lambda x: x * 2): (
                "Twice 2.8 is more. Has the penalty made token 0 less likely?"
            ),
            tuple(right[::-1]): "The likeliest comes first.",
        },
    )


def ask(exam, key, parameters, mistakes):
    """Which tokens are kept under these parameters."""
    want = kept_ids(**parameters)
    dropped = ids(set(range(5)) - set(want))
    mistakes = {wrong: said for wrong, said in mistakes.items() if wrong != want}
    exam.answer(key, list(want), {dropped: HELD, **mistakes} if dropped else mistakes)


def chances_under(**parameters):
    """The chances by the engine, after these parameters. -> tensor [1, 5]"""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams

    engine = original("ruvon/sampling/stochastic.py", part=5)
    params = SamplingParams(**{"temperature": 1.0, **parameters})
    logits = torch.tensor([CHANCES]).log()
    tempered = engine.tempered(logits, torch.tensor([[params.temperature]]))
    return engine.kept(tempered, [Row(params, [0], prompt=1)])


def kept_ids(**parameters):
    """The ids that may be drawn."""
    [chances] = chances_under(**parameters).tolist()
    return ids(i for i, chance in enumerate(chances) if chance > 0)


def draw(u, temperature=1.0, **parameters):
    """The id that the engine draws with this number."""
    if temperature == 0:
        return int(torch.tensor(CHANCES).argmax())
    engine = original("ruvon/sampling/stochastic.py", part=5)
    chances = chances_under(temperature=temperature, **parameters)
    return int(engine.inverse_cdf(chances, torch.tensor([[u]], dtype=torch.float64)))


def by_hand(u, order):
    """The token where the sums pass u, in this order."""
    return draw_plain({i: CHANCES[i] for i in order}, u, ordered=False)


def draw_plain(chances, u, ordered=True):
    """The token where the sums pass u, without renormalising."""
    total = 0.0
    for token in sorted(chances) if ordered else chances:
        total += chances[token]
        if total > u:
            return token
    return None


def powers(exponent):
    """The chances to this power, renormalised."""
    raised = [math.pow(chance, exponent) for chance in CHANCES]
    return [value / sum(raised) for value in raised]


def first_under(chances, most):
    """The likeliest tokens whose sum is still below `most`."""
    total, found = 0.0, []
    for token in ranked(chances):
        total += chances[token]
        if total >= most:
            break
        found.append(token)
    return ids(found)


def ranked(values):
    """The ids, the highest value first."""
    return sorted(range(len(values)), key=lambda token: -values[token])


def ids(tokens):
    """Ids in order, as a key."""
    return tuple(sorted(tokens))
