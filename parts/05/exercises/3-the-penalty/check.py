"""Rows of a few logits against one logit at a time, in plain numbers."""

import math
from functools import partial
from pathlib import Path

import torch

INF = math.inf
REST = "This was right before. The bug is another line."
# Of the text: dog, cat, the, ran.
LOGITS, SEEN = (2.0, 1.5, 1.0, -3.0), (0, 3)


def check(exam):
    assert report() in (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    # Logits, the ids so far, the penalty: the smallest first.
    for logits, ids, penalty in (
        ([-4.0, 1.0], [0], 2.0),
        ([4.0, 1.0], [0], 2.0),
        ([-4.0, 4.0], [0, 1], 2.0),
        ([-4.0, 1.0], [0], 0.5),
        ([4.0, 1.0], [0], 0.5),
        ([0.0, -INF], [0, 1], 2.0),
        ([-6.0, -1.0, -3.0], [2, 2, 2], 2.0),
        ([-6.0, -1.0, -3.0], [1], 1.5),
        ([6.0, 2.0, 0.5], [0, 1], 4.0),
        ([-0.5, 0.5, -0.25, 0.25], [0, 1, 2, 3], 4.0),
        (list(LOGITS), list(SEEN), 2.0),
    ):
        ask(exam, [logits], [{"ids": ids, "repetition_penalty": penalty}])
    rows(exam)
    rest(exam)


def rows(exam):
    """Each its own."""
    ask(
        exam,
        [[-4.0, 2.0], [-4.0, 2.0]],
        [{"ids": [0, 1], "repetition_penalty": r} for r in (2.0, 0.5)],
    )
    ask(
        exam,
        [[-4.0, 2.0, -1.0]] * 3,
        [
            {"ids": [0, 1], "repetition_penalty": 2.0},
            {"ids": [2]},
            {"ids": [2], "repetition_penalty": 4.0},
        ],
    )
    ask(
        exam,
        [[-4.0, 2.0, -1.0]],
        [{"ids": [0, 1, 2], "prompt": 2, "repetition_penalty": 2.0}],
    )
    ask(
        exam,
        [[-4.0, 2.0, -1.0]],
        [{"ids": [0, 1], "prompt": 2, "repetition_penalty": 2.0}],
    )


def rest(exam):
    """What else it does, alone and with the penalty."""
    some = [-4.0, 2.0, -1.0, 0.5]
    ask(exam, [some], [{"ids": [0]}], REST)
    ask(exam, [some], [{"ids": [0], "logit_bias": {1: 2.0, 2: -1.0, 9: 5.0}}], REST)
    ask(exam, [some], [{"ids": [0, 1, 1, 3], "frequency_penalty": 0.5}], REST)
    ask(exam, [some], [{"ids": [0, 1, 1, 3], "presence_penalty": 0.5}], REST)
    ask(exam, [some], [{"ids": [0, 1], "min_tokens": 2, "stops": {2}}], REST)
    ask(exam, [some], [{"ids": [0, 1, 1], "min_tokens": 2, "stops": {2}}], REST)
    ask(
        exam,
        [some, some, some],
        [
            {"ids": [0, 1, 1], "presence_penalty": 0.5},
            {"ids": [3, 2, 1], "frequency_penalty": 0.25},
            {"ids": [1, 3, 2], "min_tokens": 3, "stops": {0, 3}, "logit_bias": {1: -2.0}},
        ],
        REST,
    )
    signed = "The bias comes before the penalty, and what counts is the sign after it."
    ask(
        exam,
        [some],
        [{"ids": [0, 1, 3], "logit_bias": {0: 6.0, 1: -6.0}, "repetition_penalty": 2.0}],
        signed,
    )
    ask(
        exam,
        [some],
        [{"ids": [0, 1, 2], "frequency_penalty": 1.5, "repetition_penalty": 2.0}],
        "The repetition penalty comes before the other two.",
    )
    ask(
        exam,
        [some, some],
        [
            {"ids": [0, 2], "min_tokens": 3, "stops": {0}, "repetition_penalty": 2.0},
            {"ids": [3, 3], "presence_penalty": 1.0, "repetition_penalty": 2.0},
        ],
    )


def ask(exam, logits, asked, otherwise="Not every logit is what it should be."):
    """One call. `asked` has for each row what is not as usual."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams
    from ruvon.sampling.stochastic import adjusted

    given, told = [], []
    for one in asked:
        one = {"prompt": 1, "stops": (), **one}
        told.append({k: v for k, v in one.items() if v != ()})
        ids, prompt, stops = one.pop("ids"), one.pop("prompt"), frozenset(one.pop("stops"))
        given.append(Row(SamplingParams(**one), ids, prompt, stops))
    tensor = torch.tensor(logits)
    with exam.case(
        "adjusted(logits, rows)", logits=tensor, rows=told[0] if len(told) == 1 else told
    ):
        before = tensor.clone()
        got = adjusted(tensor, given)
        want = torch.tensor([one_row(row, of) for row, of in zip(logits, given, strict=True)])
        exam.equal(got, want, partial(mistakes, logits, given), otherwise)
        exam.need(
            torch.equal(tensor, before),
            "It changes the logits that it is given. They belong to the caller.",
        )


def one_row(logits, row, penalise=None, others=None, counted=False, known=None):
    """One row, one logit at a time."""
    penalise = penalise or (lambda logit, factor: logit / factor if logit > 0 else logit * factor)
    params, text = row.params, list(row.ids)[row.prompt :]
    biased = [logit + dict(params.logit_bias).get(i, 0.0) for i, logit in enumerate(logits)]
    if len(text) < params.min_tokens:
        biased = [-INF if i in row.stops else logit for i, logit in enumerate(biased)]
    if others:
        biased = others(biased)
    made = []
    for token, logit in enumerate(biased):
        times = list(row.ids if known is None else known(row)).count(token)
        for _ in range(times if counted else min(times, 1)):
            logit = penalise(logit, params.repetition_penalty)
        logit -= params.frequency_penalty * text.count(token)
        logit -= params.presence_penalty * (token in text)
        made.append(logit)
    return made


def mistakes(logits, rows):
    """What known mistakes make of all rows."""

    def each(penalise=None, **how):
        return torch.tensor(
            [one_row(row, of, penalise, **how) for row, of in zip(logits, rows, strict=True)]
        )

    def pulled(values):
        highest = max(values)
        total = sum(math.exp(value - highest) for value in values)
        return [value - highest - math.log(total) for value in values]

    return {
        "As before: the penalty moves some logits the wrong way, and their tokens get likelier.": (
            each(lambda logit, r: logit / r)
        ),
        "Multiplied by the penalty, a positive logit grows: its token gets likelier.": each(
            lambda logit, r: logit * r
        ),
        "Negative logits stay as they are now. Their tokens have to get less likely, too.": each(
            lambda logit, r: logit / r if logit > 0 else logit
        ),
        "The two signs have changed places: each token gets likelier.": each(
            lambda logit, r: logit * r if logit > 0 else logit / r
        ),
        "The penalty is a factor for a logit. Here its logarithm is taken off.": each(
            lambda logit, r: logit - math.log(r)
        ),
        "The penalty is a factor for a logit. Here it is taken off.": each(
            lambda logit, r: logit - r
        ),
        "The penalty is a factor for a logit. Here it is taken off a negative one.": each(
            lambda logit, r: logit / r if logit > 0 else logit - r
        ),
        "A negative logit moves the other way, but not by the factor of the penalty.": each(
            lambda logit, r: logit - (abs(logit) - abs(logit) / r)
        ),
        "A negative logit has become a positive one.": each(
            lambda logit, r: abs(logit) / r if logit > 0 else abs(logit) * r
        ),
        "A negative logit has become a positive one. ": each(lambda logit, r: abs(logit) / r),
        "All logits were shifted first. The logits of other tokens do not change.": each(
            others=lambda values: [value - max(values) for value in values]
        ),
        "All logits became logarithms of chances first. The logits of other tokens do not "
        "change.": each(others=pulled),
        "All logits were shifted first. The logits of other tokens do not change. ": each(
            others=lambda values: [value - min(values) for value in values]
        ),
        "The penalty comes once for a token, however often the text has it.": each(counted=True),
        "Tokens of the prompt count, too, and not only those of the text.": each(
            known=lambda row: list(row.ids)[row.prompt :]
        ),
        "Tokens of the text count, too, and not only those of the prompt.": each(
            known=lambda row: list(row.ids)[: row.prompt]
        ),
        "No token is penalised any more.": each(known=lambda row: ()),
        "The penalty is for tokens that are there. This one changes all logits.": torch.tensor(
            [
                one_row(
                    [x / r if x > 0 else x * r for x in row],
                    of,
                    lambda logit, _: logit,
                )
                for row, of, r in (
                    (row, of, of.params.repetition_penalty)
                    for row, of in zip(logits, rows, strict=True)
                )
            ]
        ),
        "Each row has a penalty of its own.": torch.tensor(
            [
                one_row(row, of, lambda x, _: x / first(rows) if x > 0 else x * first(rows))
                for row, of in zip(logits, rows, strict=True)
            ]
        ),
    }


def first(rows):
    """The penalty of the first row."""
    return rows[0].params.repetition_penalty


def report():
    """The table of the text: what the bug makes of the four words."""
    words = ("dog", "cat", "the", "ran")
    after = [x / 2 if i in SEEN else x for i, x in enumerate(LOGITS)]
    return "\n".join(
        f"| {word} | {'yes' if i in SEEN else 'no'} | {100 * p:.1f} % | {100 * q:.1f} % |"
        for i, (word, p, q) in enumerate(zip(words, softmax(LOGITS), softmax(after), strict=True))
    )


def softmax(logits):
    """Chances of logits, in plain numbers."""
    raised = [math.exp(logit) for logit in logits]
    return [value / sum(raised) for value in raised]
