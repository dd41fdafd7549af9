"""The user's session with a model that counts, and then everybody else who calls the loop."""

from itertools import islice

import torch

BEFORE = "This was right before. The bug is another line."


class Counting:
    """After token n comes n + 1."""

    layers = ()
    context, vocabulary = 16, 32
    dtype, device = torch.float32, torch.device("cpu")

    def __call__(self, tokens, positions, attention):
        return tokens[:, None]

    def logits(self, hidden):
        return torch.eye(self.vocabulary)[hidden[:, 0] + 1]


def check(exam):
    from ruvon.engine import generate as module

    module.step = compute  # whatever stands in the learner's: it is another exercise
    the_session(exam)
    other_callers(exam, [7, 8])
    halfway(exam)
    other_callers(exam, (7, 8))
    samplers(exam)
    as_before(exam)


def the_session(exam):
    """What the user has seen."""
    from ruvon.llm import LLM

    llm = LLM.__new__(LLM)  # without weights
    llm.model, llm.tokenizer, llm.eos_id = Counting(), None, None
    llm.context, llm.attention = Counting.context, None
    with exam.case("llm.generate([7, 8], max_tokens=3)[0]"):
        out = llm.generate([7, 8], max_tokens=3)[0]
        exam.equal(
            out.outputs[0].token_ids, [9, 10, 11], otherwise="Now other tokens are generated."
        )
        exam.equal(
            out.prompt_token_ids,
            [7, 8],
            lambda: {
                "The prompt still ends up with what was generated.": [7, 8, 9, 10, 11],
                "The first new token still gets into the prompt: the repair comes too late.": [
                    7,
                    8,
                    9,
                ],
            },
            "prompt_token_ids is not the prompt.",
        )


def other_callers(exam, given):
    """The loop itself, twice with the same prompt."""
    for call in ("the first call", "the second call, with the same prompt"):
        with exam.case(f"generate(model, attention, prompt, params), {call}", prompt=given):
            try:
                made = [step.ids for step in begin(given)]
            except (AttributeError, TypeError) as error:
                exam.need(
                    isinstance(given, list),
                    "Lists are all right now. But a prompt may be a tuple, which has no "
                    "`append`, and a piece of which is a tuple.",
                    it_says=str(error),
                )
                raise
            exam.need(
                list(given) == [7, 8],
                "One caller is safe now, and others are not: their list still grows.",
                prompt_now=given,
            )
            exam.equal(made, [(9,), (10,), (11,)])


def halfway(exam):
    """A caller who looks at the list before the end, or does not go on to it."""
    prompt = [7, 8]
    with exam.case("generate(...), stopped after two tokens", prompt=prompt):
        steps = begin(prompt)
        for _ in islice(steps, 2):
            exam.need(
                prompt == [7, 8],
                "The list is put right in the end only. Until then it grows, and who stops "
                "halfway never gets there.",
                prompt_now=prompt,
            )
        steps.close()
        exam.need(prompt == [7, 8], "Stopping halfway changes the list.", prompt_now=prompt)


def samplers(exam):
    """What a sampler is told of the sequence."""
    from ruvon.sampling.greedy import greedy

    told = []

    def sample(logits, rows):
        told.extend((list(row.ids), row.prompt) for row in rows)
        return greedy(logits, rows)

    with exam.case("generate(...), what the sampler is told in each step", prompt=[7, 8]):
        list(begin([7, 8], sample=sample))
        ids = [[7, 8], [7, 8, 9], [7, 8, 9, 10]]
        exam.equal(
            told,
            [(known, 2) for known in ids],
            lambda: {
                "The caller's list is safe. But the sampler takes new tokens for the prompt: two "
                "names still stand for one list.": [(known, len(known)) for known in ids],
                "The sampler has to be told all known ids, the new ones as well.": [
                    (ids[0], 2) for _ in ids
                ],
            },
            "The sampler is told something else, as (known ids, how many are the prompt).",
        )


def as_before(exam):
    """What was right, and has to stay so."""
    from ruvon.errors import RuvonError

    with exam.case("generate(...), with the stop id 10", prompt=[7, 8]):
        made = [(step.ids, step.finish_reason) for step in begin([7, 8], eos_id=10)]
        exam.equal(made, [((9,), None), ((10,), "stop")], otherwise=BEFORE)
    with exam.case("generate(...), without a token in the prompt", prompt=[]):
        try:
            made = list(begin([]))
        except RuvonError:
            return
        exam.need(False, BEFORE, expected="RuvonError", got=made)


def begin(prompt, **keywords):
    """Three tokens after `prompt`."""
    from ruvon.attention.full import FullAttention
    from ruvon.engine.generate import generate
    from ruvon.sampling.params import SamplingParams

    params = SamplingParams(max_tokens=3)
    return generate(Counting(), FullAttention(), prompt, params, **keywords)


def compute(model, attention, known):
    """One step of the model over all that is known."""
    hidden = model(torch.tensor(list(known)), torch.arange(len(known)), attention)
    return model.logits(hidden[-1:])
