"""The loop around a toy, held against a few lines of plain counting."""

from functools import partial
from itertools import islice
from traceback import extract_tb

import torch

MANY = 30  # more increments than any case has
CASES = (
    # prompt, params, and what else is given
    ([1, 2, 3], {"max_tokens": 1}, {}),
    ([3], {"max_tokens": 3}, {}),
    ([3, 7], {"max_tokens": 3}, {}),
    ([3], {"max_tokens": 3}, {"eos_id": 5}),
    ([3], {"max_tokens": 3}, {"eos_id": 6}),
    ([3], {"max_tokens": 1}, {}),
    ([3], {"max_tokens": 1}, {"eos_id": 4}),
    ([3], {"max_tokens": 4, "stop_token_ids": (6,)}, {"eos_id": 9}),
    ([3], {"max_tokens": 4, "ignore_eos": True}, {"eos_id": 5}),
    ([5, 3], {"max_tokens": 2}, {"eos_id": 5}),
    ([7], {"max_tokens": 5}, {"eos_id": 0}),
    ([3, 4, 5], {"max_tokens": None}, {"context": 4}),
    ([3, 4, 5, 6], {"max_tokens": None}, {"context": 4}),
    ([3, 4], {"max_tokens": None}, {}),
    ([3, 4], {"max_tokens": 100}, {}),
    ((3, 4), {"max_tokens": 2}, {}),
)
SAME = "It says the same token again and again: is the new one appended to what is known?"


class Toy:
    """After token n it says n + 1 and, as the second best, n + 2. After 9 comes 0."""

    layers = ()
    context, vocabulary = 8, 10
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self):
        self.fed, self.attentions, self.asked = [], [], []

    def __call__(self, tokens, positions, attention):
        self.fed.append(tokens.tolist())
        self.attentions.append(attention)
        return tokens[:, None]

    def logits(self, hidden):
        rows = torch.eye(self.vocabulary)
        return 2 * rows[(hidden[:, 0] + 1) % 10] + rows[(hidden[:, 0] + 2) % 10]


class Remembering:
    """An attention that needs each token once."""

    computed = 0

    def prepare(self, spans):
        self.computed = spans[0].start + spans[0].count


def check(exam):
    from ruvon.engine import generate as module

    module.step = compute  # whatever stands in the learner's: it is another exercise
    for prompt, params, given in CASES:
        with exam.case("list(generate(...))", prompt=prompt, **params, **given):
            made, asked = increments(exam, prompt, params, given)
            wanted = by_hand(prompt, **params, **given)
            exam.equal(
                made,
                wanted,
                partial(mistakes, prompt, params, given),
                "These are not the increments, as (ids, finish reason).",
            )
            asked_all(exam, asked, so_far(prompt, wanted)[:-1])
    lazy(exam)
    sampler(exam)
    refusals(exam)
    others(exam)


def increments(exam, prompt, params, given):
    """What the learner's loop makes, with what holds for every run seen to."""
    model, mine = Toy(), list(prompt) if isinstance(prompt, list) else prompt
    try:
        made = list(islice(begin(exam, model, mine, params, **given), MANY))
    except TypeError as error:
        where = extract_tb(error.__traceback__)[-1].name
        exam.need(
            given.get("context") or where not in ("check_prompt", "token_limit"),
            "`context` may be None; then it is the model's own.",
            it_says=str(error),
        )
        raise
    first = [getattr(step, "ids", step) for step in made[:5]]
    same = len(made) == MANY and all(ids == first[0] for ids in first)
    exam.need(len(made) < MANY, SAME if same else "It does not end.", the_first=first)
    exam.need(
        all(hasattr(step, "finish_reason") for step in made),
        "It has to yield an `Increment` in each step.",
        got=made,
    )
    for step in made:
        exam.need(
            isinstance(step.ids, tuple),
            "The `ids` of an increment are a tuple, also when there is one.",
            got=step.ids,
        )
        exam.need(
            all(type(token) is int for token in step.ids),
            "The `ids` of an increment are Python's own numbers, no tensors.",
            got=step.ids,
        )
        exam.need(step.text == "", "The loop knows only ids: `text` stays empty.", got=step.text)
    exam.need(
        mine == prompt,
        "The prompt has grown. It belongs to the caller, who may use it again.",
        prompt_now=mine,
    )
    return [(step.ids, step.finish_reason) for step in made], model.asked


def so_far(prompt, made):
    """The ids known before each of these increments, and after the last."""
    known = [list(prompt)]
    for ids, _ in made:
        known.append([*known[-1], *ids])
    return known


def asked_all(exam, asked, known):
    """What `step` was given, if it was called at all."""
    exam.equal(
        asked or known,
        known,
        lambda: {
            "`step` gets all known ids; it chooses which to feed.": [ids[-1:] for ids in known]
        },
        "`step` gets all known ids, in order.",
    )


def begin(exam, model, prompt, params, attention=None, **given):
    """Call the learner's loop."""
    from ruvon.attention.full import FullAttention
    from ruvon.engine.generate import generate
    from ruvon.sampling.params import SamplingParams

    steps = generate(model, attention or FullAttention(), prompt, SamplingParams(**params), **given)
    exam.need(steps is not None, "Nothing comes back. A generator has a `yield` in it.")
    exam.need(
        hasattr(steps, "__next__"),
        "All comes back at once. Who asks for one increment should get one: `yield` it.",
    )
    return steps


def by_hand(
    prompt,
    max_tokens=16,
    stop_token_ids=(),
    ignore_eos=False,
    eos_id=None,
    context=Toy.context,
    more=0,
    best=1,
    length_first=False,
    last_token=True,
    reasons=("stop", "length"),
):
    """The increments by counting. The arguments after `context` are for what goes wrong."""
    stops = {*stop_token_ids, *([eos_id] if eos_id is not None and not ignore_eos else [])}
    room = context - len(prompt) + 1
    most = (room if max_tokens is None else min(max_tokens, room)) + more
    made, token = [], prompt[-1]
    while len(made) < MANY:
        token = (token + best) % 10
        full = len(made) + 1 == most
        if token in stops and not (full and length_first):
            return [*made, ((token,), reasons[0])] if last_token else made
        if full:
            return [*made, ((token,), reasons[1])]
        made.append(((token,), None))
    return made


def mistakes(prompt, params, given):
    """What known mistakes make of it."""
    wrong = partial(by_hand, prompt, **{**params, **given})
    right = wrong()
    last, full = right[-1][0][0], right[-1][1] == "length"
    known = so_far(prompt, right)[1:]
    deaf = {**params, "stop_token_ids": (), "ignore_eos": True}
    return {
        "The token that stops the run is missing. It belongs to the last increment.": (
            wrong(last_token=False)
        ),
        "It says that it stops, and not at which token: the id belongs to it.": [
            *right[:-1],
            ((), right[-1][1]),
        ],
        "A token that stops is a stop, even where no more would be allowed: ask that first.": (
            wrong(length_first=True)
        ),
        "The last increment is missing: yield it, then return.": right[:-1] if full else None,
        "`ids` are the new tokens alone, not all that are known.": [
            (tuple(ids), why) for ids, (_, why) in zip(known, right, strict=True)
        ],
        "`ids` are the tokens of this step alone, not all the new ones.": [
            (tuple(ids[len(prompt) :]), why) for ids, (_, why) in zip(known, right, strict=True)
        ]
        if len(right) > 1
        else None,
        "The limit counts the prompt: compare it with the number of all known ids.": (
            wrong(more=len(prompt)) if len(prompt) > 1 else None
        ),
        "One token too many: the limit counts the token that was just appended.": wrong(more=1),
        "One token is missing at the limit.": wrong(more=-1),
        "Nothing stops it but the length. Some ids do, too.": by_hand(prompt, **deaf, **given),
        "It ends, and does not say why.": [(ids, None) for ids, _ in right],
        "The reasons have changed places.": wrong(reasons=("length", "stop")),
        "It goes on after the token that stops it.": [
            *right,
            (((last + 1) % 10,), None),
        ],
        SAME: [(right[0][0], reason) for _, reason in right] if len(right) > 1 else None,
        "A context that is given comes before the model's own.": by_hand(
            prompt, **params, **{**given, "context": Toy.context}
        ),
    }


def lazy(exam):
    """One step of the model for each increment that is asked for."""
    model = Toy()
    with exam.case("steps run: at the call, then after each of three next(steps)"):
        steps = begin(exam, model, [3], {"max_tokens": 5})
        ran = [len(model.fed)]
        for _ in range(3):
            next(steps)
            ran.append(len(model.fed))
        exam.equal(
            ran,
            [0, 1, 2, 3],
            lambda: {
                "Everything is computed at the call. Nobody has asked for a token yet.": [5] * 4,
                "The first one asked for gets all computed. Each should cost one step.": [
                    0,
                    5,
                    5,
                    5,
                ],
                "It runs one step ahead of what is asked for.": [0, 2, 3, 4],
                "It begins at the call. Nobody has asked for a token yet.": [1, 1, 2, 3],
            },
            "A step runs when an increment is asked for.",
        )
    with exam.case("steps run in all, for three tokens"):
        model = Toy()
        made = list(islice(begin(exam, model, [3], {"max_tokens": 3}), MANY))
        exam.need(
            len(model.fed) == len(made),
            "Each increment costs one step, and after the last one none runs.",
            steps=len(model.fed),
            increments=len(made),
        )


def sampler(exam):
    """The given sampler decides, and is told what it may need."""
    from ruvon.sampling.greedy import Sampled
    from ruvon.sampling.params import SamplingParams

    told = []

    def second(logits, rows):
        exam.need(
            list(logits.shape) == [1, 10],
            "The sampler gets the logits that `step` gave, [1, vocabulary].",
            got=list(logits.shape),
        )
        exam.need(
            isinstance(rows, list | tuple) and len(rows) == 1 and hasattr(rows[0], "prompt"),
            "The sampler gets a list with one `Row`: there is one row of logits.",
            got=rows,
        )
        told.append((list(rows[0].ids), rows[0].prompt, rows[0].params))
        return Sampled(ids=logits.topk(2).indices[:, 1])

    case = "list(generate(...)), with a sampler that takes the second best, n + 2"
    with exam.case(case, prompt=[3, 4], max_tokens=3):
        steps = begin(exam, Toy(), [3, 4], {"max_tokens": 3}, sample=second)
        made = [token for step in islice(steps, MANY) for token in step.ids]
        exam.equal(
            made,
            [6, 8, 0],
            lambda: {"The token comes from somewhere else, and not from `sample`.": [5, 6, 7]},
            "`sample` decides which token comes.",
        )
        exam.need(
            all(params == SamplingParams(max_tokens=3) for _, _, params in told),
            "The row holds the params of the caller.",
            got=[params for _, _, params in told],
        )
        exam.equal(
            [(ids, prompt) for ids, prompt, _ in told],
            [([3, 4], 2), ([3, 4, 6], 2), ([3, 4, 6, 8], 2)],
            lambda: {
                "The row says how many ids are the prompt. New tokens are not.": [
                    ([3, 4], 2),
                    ([3, 4, 6], 3),
                    ([3, 4, 6, 8], 4),
                ],
                "The row holds all known ids, the prompt first.": [([], 2), ([6], 2), ([6, 8], 2)],
                "The row holds all known ids, the new ones as well.": [([3, 4], 2)] * 3,
            },
            "The sampler is told something else, as (known ids, how many are the prompt).",
        )


def refusals(exam):
    """A prompt that is of no use is refused, and the model never runs."""
    from ruvon.errors import RuvonError

    for prompt, given in (([], {}), ([1] * 9, {}), ([1] * 5, {"context": 4})):
        model = Toy()
        room = given.get("context", model.context)
        with exam.case("list(generate(...))", prompt=prompt, context=room):
            try:
                made = list(islice(begin(exam, model, prompt, {"max_tokens": 2}, **given), MANY))
            except RuvonError:
                exam.need(not model.fed, "The prompt is refused only after a step has run.")
                continue
            except (AssertionError, IndexError):
                made = "it went on"
            exam.need(
                False,
                "This prompt has to be refused: it is empty, or does not fit.",
                got=made,
            )


def others(exam):
    """What is given is used, and two runs know nothing of each other."""
    with exam.case("what each step fed, with an attention that needs each token once"):
        model, attention = Toy(), Remembering()
        list(islice(begin(exam, model, [3, 4], {"max_tokens": 3}, attention=attention), MANY))
        exam.need(
            all(one is attention for one in model.attentions),
            "A step has to get the attention that was given.",
        )
        exam.equal(model.fed, [[3, 4], [5], [6]], otherwise="Something else was fed.")
    with exam.case("two runs in turns, from [3] and from [6]"):
        first, second = (begin(exam, Toy(), [n], {"max_tokens": 3}) for n in (3, 6))
        made = [next(steps).ids for _ in range(2) for steps in (first, second)]
        exam.equal(made, [(4,), (7,), (5,), (8,)], otherwise="One run disturbs the other.")


def compute(model, attention, known):
    """A step as it should be."""
    from ruvon.seams import Span

    start, known = attention.computed, [int(token) for token in known]
    model.asked.append(known)
    assert start < len(known), "every known token is computed already"
    attention.prepare([Span(start, len(known) - start)])
    hidden = model(torch.tensor(known[start:]), torch.arange(start, len(known)), attention)
    return model.logits(hidden[-1:])
