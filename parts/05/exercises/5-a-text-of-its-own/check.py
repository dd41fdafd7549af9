"""Samplers for the learner's test: three that keep the promises, and others that break one each."""

import torch
from checking import original
from checking import place

NONE = -1
KEYS = {
    "seed": 0,
    "choice": 0,
    "position": 1,
    "temperature": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "logits": 0,
}


def check(exam):
    engine = original("ruvon/sampling/stochastic.py", part=5)
    right = {
        "the sampler of the engine": engine.stochastic,
        "a right sampler, with a generator for each row": sampler(),
        "a right sampler, which adds noise to the logits": sampler(take=by_noise),
    }
    wrong = {
        "a sampler whose rows share a generator": sampler(sharing="all"),
        "a sampler in which rows of the same seed share a generator": sampler(sharing="seed"),
        "a sampler whose generator goes on from call to call": sampler(sharing="ever"),
        "a sampler in which each seed has a generator that goes on from call to call": sampler(
            sharing="seed ever"
        ),
        "a sampler that draws anew each time, whatever the seed": sampler(sharing="nothing"),
        "a sampler that counts a row's place among the others into its seed": sampler(
            key=lambda row, place, rows: (*own(row), place)
        ),
        "a sampler that counts the number of rows into each seed": sampler(
            key=lambda row, place, rows: (*own(row), len(rows))
        ),
        "a sampler that forgets the seed": sampler(key=lambda row, place, rows: own(row)[1:]),
        "a sampler that forgets the choice": sampler(key=lambda row, place, rows: own(row)[::2]),
        "a sampler that forgets the position": sampler(key=lambda row, place, rows: own(row)[:2]),
        "a sampler that takes every position for that of the longest row": sampler(
            key=lambda row, place, rows: (*own(row)[:2], max(len(other.ids) for other in rows))
        ),
        "a sampler that takes the seed of the first row for all": sampler(
            key=lambda row, place, rows: (own(rows[0])[0], *own(row)[1:])
        ),
        "a sampler in which a row of temperature 0 makes all rows greedy": sampler(
            temperature=lambda row, rows: (
                row.params.temperature if all(other.params.temperature for other in rows) else 0
            )
        ),
        "a sampler that takes the temperature of the first row for all": sampler(
            temperature=lambda row, rows: rows[0].params.temperature
        ),
        "a sampler that takes the smallest top_k of all rows": sampler(
            top_k=lambda row, rows: min(
                (other.params.top_k for other in rows if other.params.top_k > 0), default=0
            )
        ),
        "a sampler that takes the largest min_p of all rows": sampler(
            min_p=lambda row, rows: max(other.params.min_p for other in rows)
        ),
        "a sampler in which one row of NaN leaves all without a token": sampler(spoils="all"),
        "a sampler in which a row of NaN leaves those after it without a token": sampler(
            spoils="later"
        ),
        "a sampler in which a row of NaN makes the others greedy": sampler(spoils="greedy"),
    }
    # The message names the fault, so that the case need not.
    numbered = {f"wrong sampler {i}": (name, wrong[name]) for i, name in enumerate(wrong, start=1)}
    judge(exam, exam.tests["test_a_row_is_its_own"], right, numbered)


def judge(exam, test, right, wrong):
    """The test accepts what is right, and rejects what is wrong: by an assert, not by a mistake."""
    for name, subject in right.items():
        with exam.case(f"your test, given {name}"):
            told = run(exam, test, subject)
            exam.need(told is None, "Your test rejects a sampler that is right.", it_says=told)
    for number, (name, subject) in wrong.items():
        with exam.case(f"your test, given {number}"):
            told = run(exam, test, subject)
            exam.need(told is not None, f"Your test accepts {name}.")


def run(exam, test, sample):
    """Run the test. -> what its assert says, or None if it accepts."""
    calls = []
    logits = torch.randn(8, 1000, generator=torch.Generator().manual_seed(0))
    logits[7] = torch.nan

    def draw(rows):
        exam.need(
            isinstance(rows, list | tuple) and rows and all(isinstance(row, dict) for row in rows),
            "`draw` takes a list of rows, and each is a dictionary.",
            given=rows,
        )
        calls.append(len(rows))
        given = [new_row(exam, row) for row in rows]
        which = [row.get("logits", 0) for row in rows]
        return sample(logits[which], given).ids.tolist()

    try:
        exam.run_test(test, draw)
    except AssertionError as error:
        [(_, line)] = place(error.__traceback__, exam) or [("", "an assert")]
        return line
    exam.need(calls, "Your test draws nothing: it does not call `draw`.")
    return None


def new_row(exam, asked):
    """A row of the engine."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.params import SamplingParams

    for key in asked:
        exam.need(key in KEYS, f"A row has no key {key!r}. The text names those that there are.")
    row = {**KEYS, **asked}
    exam.need(row["logits"] in range(8), "`logits` is a number from 0 to 7.", given=asked)
    exam.need(
        isinstance(row["position"], int) and row["position"] >= 1,
        "A position is a whole number, 1 or more: a prompt has one token at least.",
        given=asked,
    )
    params = {name: row[name] for name in ("seed", "temperature", "top_k", "min_p")}
    return Row(SamplingParams(**params), [0] * row["position"], prompt=1, choice=row["choice"])


def own(row):
    """What a row is drawn by."""
    return row.params.seed or 0, row.choice, len(row.ids)


def by_cumulated(chances, generator):
    """One token of a row, by a number and the cumulated chances."""
    at = torch.rand((), generator=generator, dtype=torch.float64)
    return int((chances.double().cumsum(-1) <= at * chances.double().sum()).sum())


def by_noise(chances, generator):
    """One token of a row, by noise on its logits: the highest is taken."""
    noise = torch.rand(len(chances), generator=generator, dtype=torch.float64)
    return int((chances.double().log() - (-noise.log()).log()).argmax())


def sampler(
    key=lambda row, place, rows: own(row),
    take=by_cumulated,
    sharing="",
    spoils="",
    temperature=lambda row, rows: row.params.temperature,
    top_k=lambda row, rows: row.params.top_k,
    min_p=lambda row, rows: row.params.min_p,
):
    """One row after another, with what may be wrong in it as arguments."""
    ever, kept = torch.Generator().manual_seed(0), {}

    def generator_of(row, place, rows, made):
        if sharing == "ever":
            return ever
        if sharing == "nothing":
            return torch.Generator().manual_seed(int(torch.randint(2**40, ())))
        if sharing == "seed ever":
            made, named = kept, own(row)
        elif sharing == "seed":
            named = own(row)
        elif sharing == "all":
            named = own(rows[0])
        else:
            return new_generator(key(row, place, rows))
        return made.setdefault(named, new_generator(named))

    def sample(logits, rows):
        made, ids = {}, []
        broken = [not one.isfinite().all() for one in logits]
        for at, (scores, row) in enumerate(zip(logits, rows, strict=True)):
            generator = generator_of(row, at, rows, made)
            spoiled = {"all": any(broken), "later": any(broken[:at])}.get(spoils, False)
            if broken[at] or spoiled:
                ids.append(NONE)
                continue
            hot = temperature(row, rows)
            if hot == 0 or (any(broken) and spoils == "greedy"):
                ids.append(int(scores.argmax()))
                continue
            chances = filtered(scores / hot, top_k(row, rows), row.params.top_p, min_p(row, rows))
            ids.append(take(chances, generator))
        return sampled(ids)

    return sample


def filtered(scores, k, top_p, share):
    """The chances of one row after its filters."""
    if 0 < k < len(scores):
        scores = scores.masked_fill(scores < scores.sort().values[-k], -torch.inf)
    chances = scores.softmax(-1)
    if top_p < 1:
        ordered, order = chances.sort(descending=True)
        needed = ordered.cumsum(-1) - ordered < top_p
        chances = chances * torch.zeros_like(chances).scatter(0, order, needed.float())
    return chances * (chances >= share * chances.max())


def new_generator(numbers):
    """A generator for a few numbers."""
    seed = 23
    for number in numbers:
        seed = (seed * 1000003 + number * 7919 + 1) % (2**61 - 1)
    return torch.Generator().manual_seed(seed)


def sampled(ids):
    """What a sampler gives back."""
    from ruvon.sampling.greedy import Sampled

    return Sampled(ids=torch.tensor(ids))
