"""Functions for the learner's test: some that are right, and others that each have one fault."""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from checking import Failed
from checking import original
from checking import place

CHANCES = (
    (0.1, 0.5, 0.15, 0.25),
    (0.3, 0.1, 0.4, 0.2),
    (0.15, 0.25, 0.05, 0.55),
    (0.45, 0.2, 0.3, 0.05),
)
# Logits need not be logarithms of chances: any number may be added to a row.
SHIFTS = (3.0, -2.0, 5.0, 1.0)
LOGITS = [
    [math.log(chance) + shift for chance in row] for row, shift in zip(CHANCES, SHIFTS, strict=True)
]
SEED = 5
DRAWN = {}


def check(exam):
    right = {
        "scores by plain Python": Plain(),
        "scores by log_softmax in float32": Narrow(),
        "the engine of this part": Real(),
        "scores whose last digits are cut off": Cut(),
    }
    wrong = {name: make() for name, make in WRONG.items()}
    exam.judge(
        lambda subject: tried(exam, subject),
        {name: Subject(exam, subject) for name, subject in right.items()},
        # A message names the fault, so that the case need not.
        {
            f"wrong function {n}": Subject(exam, subject, name)
            for n, (name, subject) in enumerate(wrong.items(), start=1)
        },
    )


def tried(exam, subject):
    """Run the learner's test, and say what it was that it got wrong."""
    test = exam.tests["test_scores"]
    try:
        given_back = test(subject)
    except AssertionError as error:
        if not subject.fault and in_the_last_digits(test, exam):
            raise Failed(
                "Your test rejects code that is right: the numbers differ in the last digits only.",
                place(error.__traceback__, exam),
            ) from error
        raise
    exam.need(subject.calls, "Your test never calls what it is given: generate(prompt, params).")
    if subject.fault and given_back is None:
        raise Failed(f"Your test accepts code that is wrong: {subject.fault}.")
    return given_back


def in_the_last_digits(test, exam):
    """Whether the test accepts it when the logarithms are Python's own."""
    try:
        test(Subject(exam, Exact()))
    except Exception:
        return False
    return True


class Subject:
    """The `generate` of a test: it looks at what it is given first."""

    def __init__(self, exam, subject, fault=""):
        self.exam = exam
        self.subject = subject
        self.fault = fault
        self.calls = 0

    def __call__(self, prompt, params):
        from ruvon.sampling.params import SamplingParams

        self.calls += 1
        if not isinstance(prompt, list | tuple) or not prompt or set(prompt) - set(range(4)):
            raise Failed("The prompt is a list of ids from 0 to 3.", [("yours", repr(prompt))])
        if not isinstance(params, SamplingParams):
            raise Failed("`params` are SamplingParams.", [("yours", repr(params))])
        most = max(params.logprobs or 0, params.prompt_logprobs or 0)
        if most > len(CHANCES):
            raise Failed("The toy has four tokens. Ask for no more of them.")
        if params.seed is None:
            params = replace(params, seed=SEED)
        return self.subject(list(prompt), params)


class Plain:
    """As it should be, with plain numbers. The methods are what others get wrong."""

    def __call__(self, prompt, params):
        from ruvon.outputs import CompletionOutput
        from ruvon.outputs import RequestOutput

        made = [self.one(prompt, params, choice) for choice in range(params.n)]
        of_prompt = []
        if params.prompt_logprobs is not None:
            of_prompt = self.of_prompt(prompt, params, params.prompt_logprobs)
        outputs = [
            CompletionOutput(choice, "", ids, reason, scores)
            for choice, (ids, reason, scores) in enumerate(made)
        ]
        return RequestOutput(None, list(prompt), outputs, of_prompt)

    def one(self, prompt, params, choice):
        """New ids, why they end, and their scores."""
        known, scores = list(prompt), []
        most = 100 if params.max_tokens is None else params.max_tokens
        while True:
            rows = Rows(known, params, len(prompt), choice)
            token = rows.draw()
            if params.logprobs is not None:
                scores.append(self.new(rows, known, token, params.logprobs))
            known.append(token)
            new = known[len(prompt) :]
            reason = "length" if len(new) == most else None
            if token in params.stop_token_ids and len(new) >= params.min_tokens:
                reason = "stop"
            if reason:
                return new, reason, self.all_new(scores)

    def new(self, rows, known, token, most):
        """The score of a new token."""
        return self.score(self.logs(rows), token, most)

    def all_new(self, scores):
        """All scores of new tokens, in the end."""
        return scores

    def of_prompt(self, prompt, params, most):
        """The scores of a prompt: each token by the row before it."""
        return [self.score(self.raw(before), token, most) for before, token in pairwise(prompt)]

    def logs(self, rows):
        """The log-probabilities after the last known token."""
        return self.raw(rows.known[-1])

    def raw(self, before):
        """Those that the model gave."""
        row = LOGITS[before]
        total = math.log(sum(math.exp(x) for x in row))
        return [x - total for x in row]

    def score(self, logs, token, most):
        """One token's score, and the likeliest."""
        return self.named(token, logs[token], self.top(logs, token, most))

    def named(self, token, value, top):
        from ruvon.sampling.logprobs import Logprob

        return Logprob(token, value, tuple(top))

    def top(self, logs, token, most):
        ranked = sorted(range(len(logs)), key=lambda i: -logs[i])
        return [(i, logs[i]) for i in ranked[:most]]


class Rows:
    """What a token is drawn from, and the token, by the sampler of Part 5."""

    def __init__(self, known, params, prompt, choice):
        from ruvon.sampling.greedy import Row

        self.known, self.params = list(known), params
        # `min_tokens` needs to know what would end the text.
        stops = frozenset(params.stop_token_ids)
        self.row = Row(params, self.known, prompt=prompt, stops=stops, choice=choice)
        self.logits = torch.tensor([LOGITS[known[-1]]])
        self.sampler = original("ruvon/sampling/stochastic.py", part=10)

    def draw(self):
        """The next id. All of them draw the same, so it is worked out once."""
        key = (tuple(self.known), self.params, self.row.prompt, self.row.choice)
        if key not in DRAWN:
            DRAWN[key] = int(self.sampler.stochastic(self.logits, [self.row]).ids[0])
        return DRAWN[key]

    def adjusted(self):
        """Logits after bias and penalties."""
        return self.sampler.adjusted(self.logits, [self.row])

    def tempered(self, logits):
        """Logits after temperature."""
        return self.sampler.tempered(logits, torch.tensor([[self.params.temperature]]))


class Exact(Plain):
    """The logarithms that a test would take."""

    def raw(self, before):
        return [math.log(chance) for chance in CHANCES[before]]


class Cut(Plain):
    def raw(self, before):
        return [round(x, 5) for x in super().raw(before)]


class Narrow(Plain):
    def raw(self, before):
        return torch.tensor(LOGITS[before]).log_softmax(-1).tolist()


class Real:
    """The engine with Part 10's own scores, and a toy in the place of a model."""

    def __call__(self, prompt, params):
        from ruvon.engine.backend import Request
        from ruvon.engine.core import Engine
        from ruvon.engine.scheduler import Sequential
        from ruvon.outputs import CompletionOutput
        from ruvon.outputs import RequestOutput

        scores = original("ruvon/sampling/logprobs.py", part=10)
        sampler = original("ruvon/sampling/stochastic.py", part=10)
        runner = original("ruvon/engine/runner.py", part=10)
        runner.score_prompt = scores.score_prompt
        sample, toy = scores.with_logprobs(sampler.stochastic), Toy()
        outputs, of_prompt = [], []
        for choice in range(params.n):
            scheduler, running = Sequential(toy), runner.Runner(toy, toy, sample)
            engine = Engine(scheduler, running, lambda params: toy, context=len(prompt) + 100)
            engine.add(Request(str(choice), tuple(prompt), params, choice=choice))
            made = []
            while engine.busy:
                made += [output.increment for output in engine.step()]
            ids = [token for increment in made for token in increment.ids]
            told = [score for increment in made for score in increment.logprobs]
            outputs.append(CompletionOutput(choice, "", ids, made[-1].finish_reason, told))
            of_prompt = [score for increment in made for score in increment.prompt_logprobs]
        return RequestOutput(None, list(prompt), outputs, of_prompt)


class Toy:
    """What an engine asks of a model, whose hidden state is the token; of a cache, of a text."""

    device = torch.device("cpu")

    def __call__(self, tokens, positions, attention):
        return tokens[:, None]

    def logits(self, hidden):
        return torch.tensor(LOGITS)[hidden[:, 0]]

    def prepare(self, spans):
        """As attention."""

    def admit(self, id):
        return True

    def free(self, id):
        """As a cache."""

    def add(self, increment):
        return increment


class AfterTemperature(Plain):
    def logs(self, rows):
        if not rows.params.temperature:
            return super().logs(rows)
        return rows.tempered(rows.logits).log_softmax(-1)[0].tolist()


class AfterBias(Plain):
    def logs(self, rows):
        return rows.adjusted().log_softmax(-1)[0].tolist()


class AfterFilters(Plain):
    def logs(self, rows):
        if not rows.params.temperature:
            return super().logs(rows)
        chances = rows.sampler.kept(rows.logits, [rows.row])
        return chances.log()[0].tolist()


class Probabilities(Plain):
    def raw(self, before):
        return [math.exp(x) for x in super().raw(before)]


class BaseTen(Plain):
    def raw(self, before):
        return [x / math.log(10) for x in super().raw(before)]


class Positive(Plain):
    def named(self, token, value, top):
        return super().named(token, -value, [(other, -x) for other, x in top])


class RawLogits(Plain):
    def raw(self, before):
        return LOGITS[before]


class RoughTop(Plain):
    def top(self, logs, token, most):
        return [(i, round(x, 2)) for i, x in super().top(logs, token, most)]


class Rough(Plain):
    def score(self, logs, token, most):
        return self.named(token, round(logs[token], 2), self.top(logs, token, most))


class RowAfter(Plain):
    def new(self, rows, known, token, most):
        return self.score(self.raw(token), token, most)


class FirstByTheStart(Plain):
    def new(self, rows, known, token, most):
        begins = len(known) == rows.row.prompt
        return self.score(self.raw(known[0 if begins else -1]), token, most)


class PromptRowAfter(Plain):
    def of_prompt(self, prompt, params, most):
        return [self.score(self.raw(token), token, most) for token in prompt[1:]]


class PromptByTheFirst(Plain):
    def of_prompt(self, prompt, params, most):
        return [self.score(self.raw(prompt[0]), token, most) for token in prompt[1:]]


class FirstTokenToo(Plain):
    def of_prompt(self, prompt, params, most):
        first = self.named(prompt[0], 0.0, [(prompt[0], 0.0)] * most)
        return [first, *super().of_prompt(prompt, params, most)]


class LosesTheLast(Plain):
    def of_prompt(self, prompt, params, most):
        return super().of_prompt(prompt, params, most)[:-1]


class NoPrompt(Plain):
    def of_prompt(self, prompt, params, most):
        return []


class TheLikeliest(Plain):
    def score(self, logs, token, most):
        return self.named(token, max(logs), self.top(logs, token, most))


class IdOfTheLikeliest(Plain):
    def score(self, logs, token, most):
        return self.named(logs.index(max(logs)), logs[token], self.top(logs, token, most))


class TopById(Plain):
    def top(self, logs, token, most):
        return sorted(super().top(logs, token, most))


class LeastFirst(Plain):
    def top(self, logs, token, most):
        return super().top(logs, token, most)[::-1]


class TopOneLess(Plain):
    def top(self, logs, token, most):
        return super().top(logs, token, most)[:-1]


class TopHasTheDrawn(Plain):
    def top(self, logs, token, most):
        found = super().top(logs, token, most)
        if not found or token in dict(found):
            return found
        return [*found[:-1], (token, logs[token])]


class TopWithoutTheDrawn(Plain):
    def top(self, logs, token, most):
        others = [(i, x) for i, x in super().top(logs, token, len(logs)) if i != token]
        return others[:most]


class TopProbabilities(Plain):
    def top(self, logs, token, most):
        return [(i, math.exp(x)) for i, x in super().top(logs, token, most)]


class TopAmongThemselves(Plain):
    def top(self, logs, token, most):
        found = super().top(logs, token, most)
        total = math.log(sum(math.exp(x) for _, x in found)) if found else 0.0
        return [(i, x - total) for i, x in found]


class TopIdsOfTheDrawn(Plain):
    def top(self, logs, token, most):
        return [(token, x) for _, x in super().top(logs, token, most)]


class AsManyAsThePrompt(Plain):
    def new(self, rows, known, token, most):
        asked = rows.params.prompt_logprobs
        return super().new(rows, known, token, most if asked is None else asked)


class AsManyAsTheNew(Plain):
    def of_prompt(self, prompt, params, most):
        asked = params.logprobs
        return super().of_prompt(prompt, params, most if asked is None else asked)


class SumsSoFar(Plain):
    def all_new(self, scores):
        total, summed = 0.0, []
        for one in scores:
            total += one.logprob
            summed.append(self.named(one.id, total, one.top))
        return summed


class FirstAgain(Plain):
    def all_new(self, scores):
        return [self.named(one.id, scores[0].logprob, one.top) for one in scores]


class OneLate(Plain):
    def all_new(self, scores):
        return [scores[max(0, n - 1)] for n in range(len(scores))]


class OnlyTheFirst(Plain):
    def all_new(self, scores):
        return scores[:1]


WRONG = {
    "probabilities instead of their logarithms": Probabilities,
    "logarithms to the base 10": BaseTen,
    "minus the log-probability": Positive,
    "logits, not log-probabilities": RawLogits,
    "scores rounded to two digits": Rough,
    "a new token scored by its own row, not by the one before it": RowAfter,
    "the first new token scored by the prompt's first row": FirstByTheStart,
    "prompt tokens scored by their own rows, not by the ones before": PromptRowAfter,
    "all of the prompt scored by its first row": PromptByTheFirst,
    "a score for the prompt's first token, which nothing precedes": FirstTokenToo,
    "no score for the prompt's last token": LosesTheLast,
    "no scores for the prompt": NoPrompt,
    "the likeliest token's score instead of the drawn one's": TheLikeliest,
    "scores that carry the likeliest token's id": IdOfTheLikeliest,
    "scores after temperature": AfterTemperature,
    "scores after bias and penalties": AfterBias,
    "scores of what top-k, top-p and min-p left": AfterFilters,
    "each new token with the sum of all logprobs so far": SumsSoFar,
    "each new token with the first one's logprob": FirstAgain,
    "each new token with the score of the one before": OneLate,
    "a score for the first new token only": OnlyTheFirst,
    "`top` in the order of the ids": TopById,
    "`top` with the least likely first": LeastFirst,
    "`top` with one token too few": TopOneLess,
    "`top` with the drawn token in the last place": TopHasTheDrawn,
    "`top` without the drawn token": TopWithoutTheDrawn,
    "`top` with probabilities": TopProbabilities,
    "`top` rounded to two digits": RoughTop,
    "`top` normalised over its own tokens only": TopAmongThemselves,
    "`top` with the drawn token's id in every place": TopIdsOfTheDrawn,
    "`top` of new tokens as long as prompt_logprobs asks": AsManyAsThePrompt,
    "`top` of the prompt's tokens as long as logprobs asks": AsManyAsTheNew,
}
