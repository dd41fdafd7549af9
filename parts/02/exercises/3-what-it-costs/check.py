"""The loop runs, and what it feeds is counted. The model has no weights, and says nothing."""

from itertools import islice

import torch

END = 1
OPEN = (
    "The check runs the loop in your folder, and it is not right at the moment. "
    "Finish first what you have open in ruvon/engine/generate.py."
)


class Silent:
    """A model that writes down how many tokens it was fed."""

    layers = ()
    context, vocabulary = 1000, 2
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self):
        self.fed = []

    def __call__(self, tokens, positions, attention):
        self.fed.append(len(tokens))
        return torch.zeros(len(tokens), 1)

    def logits(self, hidden):
        return torch.zeros(len(hidden), self.vocabulary)


def check(exam):
    from ruvon.engine import generate as module

    module.step = compute  # whatever stands in the learner's: it is another exercise
    try:
        runs = all_runs()
    except Exception:
        runs = {"of a loop with a hole": ([0], 0)}
    for fed, steps in runs.values():
        exam.need(fed == [fed[0] + step for step in range(steps)], OPEN)
    fed = {name: steps for name, (steps, _) in runs.items()}
    total = {name: sum(steps) for name, steps in fed.items()}
    plain_sums(exam, fed, total)
    early_ends(exam, fed, total)
    contexts(exam, fed, total)


def all_runs():
    """What each step of each run feeds, and how many steps there have to be."""
    return {
        "A": (run(100, 10), 10),
        "B": (run(100, 20), 20),
        "C": (run(100, 1), 1),
        "D": (run(1, 100), 100),
        "E": (run(10, 50, end_at=5), 5),
        "F": (run(20, 50, asked=3), 3),
        "G": (run(10, None, context=12), 3),
        "H": (run(12, None, context=12), 1),
    }


def plain_sums(exam, fed, total):
    """Runs to the end of max_tokens."""
    exam.answer("A_computed", total["A"], wrong_sums(100, 10))
    exam.answer(
        "B_computed",
        total["B"],
        {**wrong_sums(100, 20), 2 * total["A"]: "The second ten cost more than the first ten."},
    )
    exam.answer(
        "B_needed",
        max(fed["B"]),
        {
            max(fed["B"]) + 1: "The last token is sampled, and never fed.",
            total["B"]: "That is what was computed. Most of it was computed before.",
            20: "The prompt has to be computed, too.",
            19: "The prompt has to be computed, too.",
        },
    )
    exam.answer(
        "C_computed",
        total["C"],
        {
            total["C"] + 1: "The new token is sampled, and never fed.",
            1: "The one step feeds the whole prompt.",
        },
    )
    exam.answer("D_computed", total["D"], wrong_sums(1, 100))
    exam.answer(
        "D_last_step",
        fed["D"][-1],
        {
            fed["D"][-1] + 1: "The last token is sampled in this step, not fed to it.",
            fed["D"][-1] - 1: "The first step feeds 1 token. What does the 100th feed?",
            1: "Nothing is remembered: each step feeds all that is known.",
            total["D"]: "Only what the last step feeds is asked for.",
        },
    )


def wrong_sums(prompt, new):
    """Wrong ways to count n and m."""
    plain = sum(prompt + step for step in range(new))
    return {
        prompt * new: "Each step feeds one token more than the step before it.",
        prompt + new - 1: "Each step feeds the old tokens again, so many are computed often.",
        prompt + new: "Each step feeds the old tokens again, so many are computed often.",
        plain + new: "The first step feeds the prompt alone. You begin one token later.",
        plain + prompt + new: "The last token is never fed. You have one step too many.",
        plain - (prompt + new - 1): "You have one step too few: each new token takes one.",
        plain - prompt: "The first step computes the prompt, and it counts.",
    }


def early_ends(exam, fed, total):
    """Runs that end before max_tokens."""
    exam.answer(
        "E_computed",
        total["E"],
        {
            **wrong_sums(10, 5),
            total["E"] - fed["E"][-1]: "It takes a step to find the token that stops.",
            total["E"] + fed["E"][-1] + 1: "After the token that stops no step is taken.",
            sum(range(10, 60)): "The run ends at the 5th new token.",
        },
    )
    exam.answer(
        "F_computed",
        total["F"],
        {
            **wrong_sums(20, 3),
            sum(range(20, 70)): "A step runs when an increment is asked for. Three were.",
            total["F"] + fed["F"][-1] + 1: "Nobody asked for a fourth, so no step made it.",
        },
    )


def contexts(exam, fed, total):
    """Runs that fill the context."""
    exam.answer(
        "G_new",
        len(fed["G"]),
        {
            len(fed["G"]) - 1: "The last token needs no place: it is sampled, and never fed.",
            12: "The prompt fills a part of the context.",
            len(fed["G"]) + 1: "Can 13 tokens be fed?",
        },
    )
    exam.answer(
        "G_computed",
        total["G"],
        {
            total["G"] - 12: "One step more fits: all 12 places can be fed.",
            total["G"] + 13: "A step cannot feed 13 tokens: the context is 12.",
        },
    )
    exam.answer(
        "H_computed",
        total["H"],
        {
            0: "A prompt that fills the context is still good for one token.",
            13: "The new token is sampled, and never fed.",
        },
    )


def run(prompt, max_tokens, context=None, end_at=None, asked=200):
    """How many tokens each step feeds; the new token `end_at` is the end of text."""
    from ruvon.attention.full import FullAttention
    from ruvon.engine.generate import generate
    from ruvon.sampling.greedy import Sampled
    from ruvon.sampling.params import SamplingParams

    def sample(logits, rows):
        number = len(rows[0].ids) - prompt + 1
        return Sampled(ids=torch.tensor([END if number == end_at else 0]))

    model, params = Silent(), SamplingParams(max_tokens=max_tokens)
    steps = generate(
        model, FullAttention(), [0] * prompt, params, sample=sample, eos_id=END, context=context
    )
    for _ in islice(steps, asked):
        pass
    return model.fed


def compute(model, attention, known):
    """A step as it should be."""
    hidden = model(torch.tensor(list(known)), torch.arange(len(known)), attention)
    return model.logits(hidden[-1:])
