"""A sampler that draws what it is told, and rows that ask for one thing or another."""

import math
from functools import partial

import torch
from checking import Failed
from checking import original

NONE = -1
# The chances of four tokens, in tenths, for as many rows as a case has.
TENTHS = ([1, 2, 3, 4], [4, 3, 2, 1], [2, 5, 1, 2.5], [5, 1, 3, 1.5], [1, 6, 2, 0.5])
# What each row asks for, and what is drawn: the smallest first.
CASES = (
    ([0], [0]),
    ([2], [1]),
    ([None], [3]),
    ([None, 0], [0, 1]),
    ([1, None], [2, 3]),
    ([0, 0], [1, 0]),
    ([None, None], [1, 0]),
    ([1, 2], [0, 3]),
    ([3, 1], [2, 2]),
    ([None, 0, 2], [3, 2, 0]),
    ([2, None, 1, None], [0, 1, 2, 3]),
    ([None, 1, None, 4], [3, 2, 1, 0]),
    ([1, 1], [NONE, 2]),
    ([None, 1, 2], [NONE, 3, 0]),
    ([2, None, 0], [0, 1, NONE]),
    ([None, 2, 0, None, 1], [1, 0, 0, 2, 3]),
)


def check(exam):
    from ruvon.sampling import logprobs

    calls = []
    true_score = original("ruvon/sampling/logprobs.py", part=10).score

    def score(logits, ids, most):
        calls.append((len(logits), most))
        return true_score(logits, ids, most)

    logprobs.score = score
    for asked, drawn in CASES:
        ask(exam, calls, asked, drawn)
    twice(exam, calls)


class Draws:
    """A sampler that draws the ids it is told, and remembers how it was called."""

    def __init__(self, drawn):
        self.drawn = drawn
        self.calls = []
        self.gave = None

    def __call__(self, logits, rows):
        from ruvon.sampling.greedy import Sampled

        self.calls.append((logits, rows))
        self.gave = Sampled(ids=torch.tensor(self.drawn))
        return self.gave


def new_rows(asked):
    """Rows of the engine."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams

    # All with a bias and a temperature, which the scores must know nothing of.
    shared = {"temperature": 2.0, "logit_bias": {0: 3.0}}
    return [Row(SamplingParams(logprobs=most, **shared), [1], prompt=1) for most in asked]


def ask(exam, calls, asked, drawn):
    """One step."""
    from ruvon.sampling.logprobs import with_logprobs

    logits = torch.tensor(TENTHS[: len(asked)]).log()
    with exam.case(
        "with_logprobs(sample)(logits, rows)",
        logits=logits,
        asked_for=asked,
        sample_draws=drawn,
    ):
        sample = Draws(drawn)
        sampler = with_logprobs(sample)
        exam.need(not sample.calls, "It draws before anybody has called the new sampler.")
        exam.need(callable(sampler), "It has to give back a sampler.", got=sampler)
        step(exam, calls, sampler, sample, logits, asked, drawn)


def step(exam, calls, sampler, sample, logits, asked, drawn):
    """Call the new sampler once, and look at all that it did."""
    calls.clear()
    sample.calls.clear()
    rows, before = new_rows(asked), logits.clone()
    try:
        made = sampler(logits, rows)
    except RuntimeError as error:
        if NONE not in drawn or "out of bounds" not in str(error):
            raise
        raise Failed("-1 is no token, so `score` cannot look it up.") from error
    exam.need(made is not None, "It gave back nothing (None). Is a `return` missing?")
    exam.need(
        len(sample.calls) == 1,
        "One call of `sample` draws for all rows.",
        calls=len(sample.calls),
    )
    seen, seen_rows = sample.calls[0]
    exam.need(
        torch.is_tensor(seen) and torch.equal(seen, before) and list(seen_rows) == rows,
        "`sample` gets the logits and the rows as they are.",
    )
    exam.need(
        all(hasattr(made, name) for name in ("ids", "logprobs")),
        "It has to give back what a sampler gives: a Sampled.",
        got=made,
    )
    exam.equal(
        made.ids,
        torch.tensor(drawn),
        otherwise="The ids are those that `sample` drew; -1 stays -1.",
    )
    exam.need(
        sample.gave.ids.tolist() == drawn and torch.equal(logits, before),
        "It changes the tensors that it is given.",
    )
    check_scores(exam, calls, made.logprobs, logits, asked, drawn)


def check_scores(exam, calls, scores, logits, asked, drawn):
    """For whom, of which ids, with how many others."""
    who = [i for i, most in enumerate(asked) if most is not None]
    if not who:
        exam.need(scores is None, "Nobody asks, so `logprobs` stays None.", got=scores)
        exam.need(not calls, "Nobody asks, and `score` is called all the same.")
        return
    exam.need(
        scores is not None,
        "Somebody asks, and nothing is scored. 0 asks for the drawn token's own logprob.",
    )
    most = max(asked[i] for i in who)
    told = [i for i in range(len(who)) if drawn[who[i]] != NONE]
    found = list(zip(scores.ids.tolist(), scores.values.tolist(), strict=True))
    exam.need(
        len(found) == len(who),
        "`logprobs` has a row for each that asks, and for no other.",
        rows_that_ask=len(who),
        rows_scored=len(found),
    )
    exam.equal(
        [found[i][0] for i in told],
        [drawn[who[i]] for i in told],
        partial(id_mistakes, logits, asked, drawn, who, told),
        "The ids in `logprobs` are not those that were drawn for the rows that ask.",
    )
    exam.equal(
        torch.tensor([found[i][1] for i in told]),
        torch.tensor([logs(logits, who[i])[drawn[who[i]]] for i in told]),
        partial(value_mistakes, logits, drawn, who, told),
        "The ids are right, and the numbers beside them are not.",
    )
    others = scores.top_ids.shape[-1]
    mistakes = {
        "One number serves all rows: take the largest.": [min(asked[i] for i in who)],
        "Every row that asks counts, not only the first.": [asked[who[0]]],
        "Every row that asks counts, not only the last.": [asked[who[-1]]],
    }
    named = [said for said, value in mistakes.items() if value == [others]]
    if others != most:
        said = named[0] if named else "The number of others is the largest that is asked for."
        raise Failed(said, [("expected", str(most)), ("got", str(others))], named)
    for i in told:
        ranked = sorted(enumerate(logs(logits, who[i])), key=lambda pair: -pair[1])[:most]
        exam.need(
            scores.top_ids[i].tolist() == [token for token, _ in ranked],
            "The others beside a token are the likeliest of its row of the raw logits.",
            row=who[i],
        )
    exam.need(
        sum(rows for rows, _ in calls) <= len(who),
        "Only the rows that ask are given to `score`.",
        rows_that_ask=len(who),
        rows_given=sum(rows for rows, _ in calls),
    )


def logs(logits, row):
    """The log-probabilities of a row, in plain numbers."""
    values = logits[row].tolist()
    total = math.log(sum(math.exp(x) for x in values))
    return [x - total for x in values]


def id_mistakes(logits, asked, drawn, who, told):
    """The ids that known mistakes would score."""
    best = logits.argmax(-1).tolist()
    return {
        "These are the likeliest tokens. What was drawn is wanted.": [best[who[i]] for i in told],
        "These are the ids of the first rows. Take those of the rows that ask.": [
            drawn[i] for i in told
        ],
        "The rows stand in the order of `rows`.": [drawn[who[i]] for i in told][::-1],
    }


def value_mistakes(logits, drawn, who, told):
    """The numbers that known mistakes would give."""
    ids = [drawn[who[i]] for i in told]

    def by(rows):
        return torch.tensor(
            [logs(logits, row)[token] for row, token in zip(rows, ids, strict=True)]
        )

    adjusted = logits + torch.tensor([3.0, 0.0, 0.0, 0.0])
    right = [who[i] for i in told]
    after = "Scores are of the raw logits, before bias and temperature."

    def of(table):
        return torch.tensor(
            [logs(table, row)[token] for row, token in zip(right, ids, strict=True)]
        )

    return {
        "These are the logits of the first rows. Take those of the rows that ask.": by(told),
        after: of(adjusted),
        f"{after} ": of(adjusted / 2),
        f"{after}  ": of(logits / 2),
    }


def twice(exam, calls):
    """A sampler serves many steps, and remembers none."""
    from ruvon.sampling.logprobs import with_logprobs

    sample = Draws([])
    sampler = with_logprobs(sample)
    for asked, drawn in (([1, None], [0, 1]), ([None, None], [2, 2]), ([None, 0, 2], [1, 2, 3])):
        logits = torch.tensor(TENTHS[: len(asked)]).log()
        said = {"asked_for": asked, "sample_draws": drawn}
        with exam.case("one sampler for several steps", logits=logits, **said):
            sample.drawn = drawn
            step(exam, calls, sampler, sample, logits, asked, drawn)
