"""Steps of a few entries with a head whose scores tell which row they come from."""

from dataclasses import dataclass
from functools import partial

import torch
from checking import original

CPU = torch.device("cpu")
VOCABULARY, ROWS = 32, 400
OTHERS = (
    "Another entry stands before it, and its rows are in `hidden`, too: all that it computed, "
    "scored or not."
)


@dataclass(frozen=True)
class Share:
    """An entry: the prompt's ids, and the new ones; what it computes; what it asks for."""

    name: str
    prompt: list
    start: int
    count: int
    most: int | None = None
    new: tuple = ()

    def __str__(self):
        """As a learner reads it."""
        whole = f"all {self.count}" if self.count > 1 else "the one token"
        said = f"computes {whole} of prompt {self.prompt}"
        if self.start >= len(self.prompt):
            said = f"computes its newest token, after a prompt of {len(self.prompt)}"
        elif self.count > len(self.prompt):
            said = f"computes prompt {self.prompt} and {len(self.new)} new, {self.count} in all"
        elif (self.start, self.count) != (0, len(self.prompt)):
            where = f"from {self.start} on" if self.start else "from the start"
            said = f"computes {self.count}, {where}, of prompt {self.prompt}"
        asks = "asks nothing" if self.most is None else f"prompt_logprobs={self.most}"
        return f"{self.name} {said}; {asks}"


def prompt(name, ids, most=None):
    """A whole prompt."""
    return Share(name, ids, 0, len(ids), most)


def newest(name, ids, most=None):
    """A sequence that computes its newest token."""
    return Share(name, ids, len(ids) + 1, 1, most, (9, 8))


B = prompt("B", [5, 7], 1)
STEPS = (
    [prompt("A", [5, 7, 6], 1)],
    [prompt("A", [3, 4, 1]), B],
    [newest("A", [3, 4]), B],
    [prompt("A", [3, 4], 1), B],
    [prompt("A", [3, 4, 1], 0), B],
    [newest("A", [3, 4], 2), B],
    [prompt("A", [3], 1), B],
    [prompt("A", [3]), B, prompt("C", [2, 6, 4], 3)],
    [B, prompt("A", [3, 4, 1, 2]), newest("D", [1]), prompt("C", [2, 6], 0)],
    [Share("A", [1, 2, 3, 4, 5, 6], 0, 3, 1)],
    [Share("A", [1, 2, 3, 4, 5, 6], 3, 3, 1)],
    [Share("A", [1, 2, 3, 4, 5, 6], 2, 2, 1), B],
    [Share("A", [1, 2, 3, 4, 5, 6], 5, 1, 1), B],
    [Share("A", [1, 2, 3], 0, 5, 1, (9, 8)), B],
    [Share("A", [1, 2, 3], 1, 3, 1, (9,)), B],
)


def check(exam):
    for shares in STEPS:
        ask(exam, shares)
    long = [n % 30 for n in range(300)]
    few(exam, [prompt("A", long[:60]), prompt("B", long, 1)])


def ask(exam, shares):
    """One step: which row scored which token, for whom."""
    said = {f"entry_{n}": Told(share) for n, share in enumerate(shares)}
    with exam.case("runner.scored_prompts(hidden, entries)", **said):
        head = Head()
        hidden = torch.arange(sum(share.count for share in shares))[:, None].float()
        before = hidden.clone()
        made = scored_prompts(head, hidden, shares)
        exam.need(isinstance(made, dict), "It has to give back a dictionary.", got=made)
        got = {name: said for name, scores in made.items() if (said := head.rows_of(scores))}
        exam.equal(got, right(shares), partial(mistakes, shares), otherwise(shares, got))
        for share in shares:
            tops = [rows.top_ids.shape[-1] for rows in made.get(share.name, ())]
            exam.need(
                tops == [share.most] * len(tops),
                "Beside each token stand as many others as prompt_logprobs says, for each request "
                "its own number.",
                of=share.name,
                others=tops,
            )
        exam.need(torch.equal(hidden, before), "It changes the hidden states that it is given.")


class Told:
    """What is shown of an entry, without quotes."""

    def __init__(self, share):
        self.share = share

    def __repr__(self):
        return str(self.share)


class Head:
    """A model without weights. Row r of `hidden` is the number r, and its logits are row r here."""

    device = CPU

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(ROWS, VOCABULARY, generator=generator)
        self.scores = self.table.double().log_softmax(-1)
        self.calls = []

    def logits(self, hidden):
        """[R, 1] -> [R, vocabulary]"""
        self.calls.append(len(hidden))
        return self.table[hidden[:, 0].long()]

    def rows_of(self, scores):
        """Each score as words: the row that it is of."""
        said = []
        for rows in scores:
            for token, value in zip(rows.ids.tolist(), rows.values.tolist(), strict=True):
                apart = (self.scores[:, token] - value).abs()
                said.append((int(apart.argmin()), token))
        return words(said)


def words(pairs):
    return [f"row {row} scores id {token}" for row, token in pairs]


def scored_prompts(head, hidden, shares):
    """The learner's method, with the scores of Part 10."""
    from ruvon.engine import runner
    from ruvon.engine.backend import Request
    from ruvon.engine.scheduler import Entry
    from ruvon.engine.sequence import Sequence
    from ruvon.sampling.params import SamplingParams

    runner.score_prompt = original("ruvon/sampling/logprobs.py", part=10).score_prompt
    entries = []
    for share in shares:
        params = SamplingParams(prompt_logprobs=share.most)
        request = Request(share.name, tuple(share.prompt), params)
        ids = [*share.prompt, *share.new]
        sequence = Sequence(request, ids, frozenset(), limit=len(ids) + 9, computed=share.start)
        entries.append(Entry(sequence, share.start, share.count))
    return runner.Runner(head, None, None).scored_prompts(hidden, entries)


def right(shares):
    """Which row scores which token: each computed token names its own row, and who comes next."""
    said = {}
    row = 0
    for share in shares:
        for place in range(share.start, share.start + share.count):
            if share.most is not None and place + 1 < len(share.prompt):
                said.setdefault(share.name, []).append((row, share.prompt[place + 1]))
            row += 1
    return {name: words(pairs) for name, pairs in said.items()}


def walked(shares, move, row_of=None):
    """The same, if an entry's rows begin where `move` of the entries before says.

    `row_of(first, start, place)` is the row that scores the token after `place`.
    """
    said, first = {}, 0
    for share in shares:
        scored = 0
        for place in range(share.start, share.start + share.count):
            if share.most is None or place + 1 >= len(share.prompt):
                continue
            scored += 1
            row = first + place - share.start
            if row_of:
                row = row_of(first, share.start, place)
            said.setdefault(share.name, []).append((row, share.prompt[place + 1]))
        asked = share.most is not None and share.start < len(share.prompt)
        first += move(share, scored, asked)
    return {name: words(pairs) for name, pairs in said.items()}


def mistakes(shares):
    """What known mistakes make of a step."""
    # The bug itself is told as a symptom. What is half mended is told by what is left.
    all_of = partial(walked, shares, lambda share, scored, asked: share.count)
    silent = "Entries that ask for no scores have rows in `hidden`, too."
    last = "The row that scores no token of its prompt stands in `hidden`, too."
    made = {
        last: walked(shares, lambda share, scored, asked: scored if asked else share.count),
        silent: walked(shares, lambda share, scored, asked: share.count if asked else 0),
        "As before, some tokens are scored by rows of another entry.": walked(
            shares, lambda share, scored, asked: scored
        ),
        "The rows of each entry are looked for at the beginning of `hidden`.": walked(
            shares, lambda share, scored, asked: 0
        ),
        "An entry takes as many rows as it computes, not as its prompt has.": walked(
            shares, lambda share, scored, asked: len(share.prompt)
        ),
        "A token is scored by its own row here. The row before it scores it.": all_of(
            lambda first, start, place: first + place - start + 1
        ),
        "A place in the sequence is taken for a row of `hidden`.": all_of(
            lambda first, start, place: place
        ),
    }
    wanted = right(shares)
    return {told: value for told, value in made.items() if value != wanted}


def otherwise(shares, got):
    """What to say when no mistake is known."""
    wanted = right(shares)
    if extra := set(got) - set(wanted):
        return f"{', '.join(sorted(extra))} should have no scores in this step."
    if missing := set(wanted) - set(got):
        return f"{', '.join(sorted(missing))} should have scores in this step, and has none."
    for name, said in wanted.items():
        if len(got[name]) != len(said):
            number = "few" if len(got[name]) < len(said) else "many"
            return f"Too {number} tokens of {name} are scored."
    return OTHERS


def few(exam, shares):
    """A long prompt: never all rows at once to the head."""
    most = original("ruvon/sampling/logprobs.py", part=10).CHUNK
    with exam.case("a prompt of 60 tokens that asks nothing, and one of 300 that asks"):
        head = Head()
        hidden = torch.arange(sum(share.count for share in shares))[:, None].float()
        made = scored_prompts(head, hidden, shares)
        got = {name: head.rows_of(scores) for name, scores in made.items() if scores}
        exam.need(got == right(shares), "The scores of a long prompt are not right.")
        exam.need(
            max(head.calls, default=0) <= most,
            "Too many rows go to the head at once. `score_prompt` sends a few at a time.",
            rows=head.calls,
            most=most,
        )
