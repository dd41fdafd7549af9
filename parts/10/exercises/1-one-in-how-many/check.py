"""The engine's own scores of a toy's rows; wrong thoughts are computed with plain numbers."""

import math

import torch
from checking import original

# Of the next token, in eighths, after each token.
EIGHTHS = ((2, 4, 1, 1), (2, 2, 2, 2), (4, 1, 2, 1), (1, 1, 2, 4))
PROMPT = [0, 1, 2, 3]
BEFORE, ENDINGS = 1, {"a": [3], "b": [2, 0]}
VOCABULARY, LENGTH = 2048, 100
POWERS = (3, 1, 4, 8)
TEMPERATURE, DRAWN, MOST = 0.5, 1, 2
LONG = 300
FAR = 200.0


def check(exam):
    prompt_questions(exam)
    ending_questions(exam)
    logit_questions(exam)
    row_questions(exam)


def engine():
    """Part 10's scores, whatever the learner has open."""
    return original("ruvon/sampling/logprobs.py", part=10)


def scores_of(ids):
    """What the engine says of a text by the toy: a score for each token but the first."""
    logits = torch.tensor(EIGHTHS, dtype=torch.float32).log()
    asked = []

    def logits_of(hidden):
        asked.extend(hidden[:, 0].tolist())
        return logits[torch.tensor(ids)[hidden[:, 0]]]

    rows = torch.arange(len(ids))[:, None]
    pieces = engine().score_prompt(logits_of, rows[:-1], torch.tensor(ids[1:]), 1)
    return [one for piece in pieces for one in piece.read()], asked


def one_in(logprobs):
    """The N of "one in N"; -ln N is the sum."""
    value = math.exp(-sum(logprobs))
    assert math.isclose(value, round(value), rel_tol=1e-3)
    return round(value)


def perplexity(logprobs):
    return math.exp(-sum(logprobs) / len(logprobs))


def prompt_questions(exam):
    """Which tokens, which rows, and how likely."""
    scores, rows = scores_of(PROMPT)
    exam.answer(
        "scored",
        [one.id for one in scores],
        {
            tuple(PROMPT): "Nothing comes before the first token, so no row scores it.",
            tuple(PROMPT[:-1]): "The first token has no row that scores it. The last one has.",
        },
    )
    last = rows[-1]
    exam.answer(
        "row_of_the_last",
        last,
        {
            last + 1: "That row scores what would come after the prompt.",
            last - 1: "That row scores the token before the last one.",
        },
    )
    each = [one.logprob for one in scores]
    whole = one_in(each)
    parts = [one_in([value]) for value in each]
    told = "The token's own row is not the one that scores it."
    exam.answer(
        "one_in",
        whole,
        {
            own_rows(PROMPT): told,
            own_rows(PROMPT[1:]): told,
            parts[-1]: "That is the last token alone.",
            sum(parts): "To add logarithms is to multiply what they are of.",
            whole * len(EIGHTHS): "The first token is not scored: nothing precedes it.",
            -whole: "The minus sign is in -ln N already.",
        },
    )
    mean = perplexity(each)
    assert abs(mean - round(mean)) < 1e-3
    exam.answer(
        "perplexity",
        round(mean),
        {
            whole: "That is the sum, for the text as a whole. Perplexity is of the mean.",
            round(sum(parts) / len(parts)): (
                "The mean is that of the logarithms, not that of the numbers in them."
            ),
            round(whole ** (1 / len(PROMPT))): "The mean is over the tokens that have a logprob.",
            max(parts): "That is the token of which the model was the least sure.",
        },
    )


def own_rows(ids):
    """One in how many, if each token is scored by its own row."""
    return round(math.prod(8 / EIGHTHS[token][token] for token in ids))


def ending_questions(exam):
    """A sum favours short endings, and a mean does not."""
    scores = {
        name: [one.logprob for one in scores_of([BEFORE, *ids])[0]] for name, ids in ENDINGS.items()
    }
    longer = max(ENDINGS, key=lambda name: len(ENDINGS[name]))
    likelier = max(scores, key=lambda name: sum(scores[name]))
    surer = min(scores, key=lambda name: perplexity(scores[name]))
    assert likelier != longer == surer
    exam.answer(
        "by_sum",
        likelier,
        {longer: "Multiply the chances of both its tokens, and compare."},
    )
    exam.answer(
        "by_perplexity",
        surer,
        {likelier: "The mean counts. Which chance for both of its tokens would give b's product?"},
    )


def logit_questions(exam):
    """Chances from logits, raw ones."""
    nothing = engine().score(torch.zeros(LENGTH, VOCABULARY), torch.arange(LENGTH), 0)
    exam.answer(
        "knows_nothing",
        round(perplexity(nothing.values.tolist())),
        {
            LENGTH: "The length has no part in it: the mean of equal numbers is that number.",
            VOCABULARY * LENGTH: "The length has no part in it.",
            round(math.log2(VOCABULARY)): "That is how many bits a token takes. Perplexity is 2 to "
            "that.",
            1: "That is the perplexity of a model that is always sure, and right.",
        },
    )
    logits = torch.tensor([POWERS], dtype=torch.float32).log()
    scored = engine().score(logits, torch.tensor([DRAWN]), MOST)
    want = one_in(scored.values.tolist())
    hot = [power ** (1 / TEMPERATURE) for power in POWERS]
    tempered = round(sum(hot) / hot[DRAWN])
    mistakes = {
        tempered: "That is after temperature. Logprobs are of the raw distribution, before it.",
        POWERS[DRAWN]: "That is in the logit. What do all of them sum to, without the ln?",
        sum(POWERS) - POWERS[DRAWN]: "The token itself is part of the sum, too.",
        max(POWERS): "Compare it with the sum of all, not with the likeliest.",
        len(POWERS): "The four are not equally likely.",
    }
    exam.answer("drawn", want, mistakes)
    higher = engine().score(logits + 100, torch.tensor([DRAWN]), MOST)
    assert one_in(higher.values.tolist()) == want
    exam.answer(
        "shifted",
        want,
        {
            want + 100: "The same amount on all logits changes no chance.",
            want + 400: "The same amount on all logits changes no chance.",
            want * 100: "The same amount on all logits changes no chance.",
            **mistakes,
        },
    )
    far_question(exam)
    top = scored.top_ids[0].tolist()
    ranked = sorted(range(len(POWERS)), key=lambda token: -POWERS[token])
    exam.answer(
        "top",
        top,
        {
            (DRAWN, ranked[0]): "The drawn token is told apart. `top` has the likeliest ones only.",
            (ranked[0], DRAWN): "The drawn token is told apart. `top` has the likeliest ones only.",
            (DRAWN, *ranked[:2]): "The drawn token is told apart.",
            tuple(top[::-1]): "The likeliest comes first.",
            tuple(ranked[::-1][:2]): "These are the two least likely.",
            tuple(sorted(POWERS, reverse=True)[:2]): "These are in the logits. Ids are wanted.",
        },
    )


def far_question(exam):
    """A chance that float32 has no number for."""
    scored = engine().score(torch.tensor([[0.0, FAR]]), torch.tensor([0]), 0)
    want = scored.values.tolist()[0]
    lost = "The chance is too small for float32, and its logarithm still has one: look at the sum."
    if exam.answers.get("far") in ("-inf", "inf", -math.inf):
        with exam.case("far"):
            exam.need(False, lost)
        return
    exam.answer(
        "far",
        int(want),
        {
            0: "0 is a chance, or the logprob of id 1. What does the logarithm of the sum come to?",
            -int(want): "A logarithm of a chance is at most 0.",
            int(want) // 2: "Compare the logit with the logarithm of the sum.",
        },
    )


def row_questions(exam):
    """How a long prompt goes to the head."""
    rows = []

    def logits_of(hidden):
        rows.append(len(hidden))
        return torch.zeros(len(hidden), 2)

    ids = torch.zeros(LONG - 1, dtype=torch.long)
    engine().score_prompt(logits_of, torch.zeros(LONG - 1, 1), ids, 0)
    most = engine().CHUNK
    exam.answer(
        "rows_of_each_call",
        rows,
        {
            (*rows[:-1], rows[-1] + 1): "The last row scores no token of the prompt.",
            (LONG,): "At most 128 at a time.",
            (LONG - 1,): "At most 128 at a time.",
            (most,) * len(rows): "The last call gets what is left.",
        },
    )
