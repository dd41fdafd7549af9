"""Loops that keep the five promises, and loops that break one each."""

import torch
from torch.nn.functional import one_hot

REASONS = ("stop", "length")


def check(exam):
    from ruvon.engine import generate as module

    module.step = compute  # whatever stands in the learner's: it is another exercise
    right = {
        "a loop that is right": loop,
        "a loop that is right, an object with __next__": Run,
        "a loop that is right, with one increment made in each round of a for": counted,
    }
    if is_right(module.generate):
        right["the generate of your own folder"] = module.generate
    exam.judge(
        exam.tests["test_the_loop"],
        right,
        {
            "a loop that computes everything at the call": all_at_once,
            "a loop that computes everything when the first token is asked for": all_at_first,
            "a loop that takes its first step at the call": begun,
            "a loop that runs one step ahead of what is asked for": ahead,
            "a loop that runs once more after the last increment": one_run_more,
            "a loop that makes one token more than max_tokens": varied(more=1),
            "a loop that makes one token less than max_tokens": varied(more=-1),
            "a loop that never says why it ended": varied(reasons=(None, None)),
            "a loop that says why in every increment": always_says,
            "a loop that calls a stop a length": varied(reasons=("length", "length")),
            "a loop that calls a length a stop": varied(reasons=("stop", "stop")),
            "a loop that knows no stop id": varied(deaf=True),
            "a loop that goes on for one token after a stop id": late,
            "a loop that leaves the token out that stops it": without_the_last,
            "a loop that asks for the length first, and then whether to stop": (
                varied(length_first=True)
            ),
            "a loop that leaves one place of the context unused": varied(room=0),
            "a loop that makes one token too many when the context is full": varied(room=2),
            "a loop that puts new tokens into the caller's list": varied(own_list=False),
            "a loop that says the first new token again and again": stuck,
        },
    )


def is_right(generate):
    """Whether the learner's own loop does what these do: it may be an exercise still open."""
    from ruvon.attention.full import FullAttention
    from ruvon.sampling.params import SamplingParams

    def results(subject):
        prompt = [1, 2]
        runs = (
            subject(Counting(), FullAttention(), prompt, SamplingParams(max_tokens=most), eos_id=5)
            for most in (1, 2, 3, None)
        )
        made = [[(step.ids, step.finish_reason) for step in run] for run in runs]
        model = Counting()
        steps = subject(model, FullAttention(), prompt, SamplingParams())
        ran = [model.runs, *(model.runs for _ in steps), model.runs]
        return made, ran, prompt

    try:
        return results(generate) == results(loop)
    except Exception:
        return False


class Counting:
    """The learner's model, as it is at the start."""

    context = 5
    device = torch.device("cpu")

    def __init__(self):
        self.runs = 0

    def __call__(self, tokens, positions, attention):
        self.runs += 1
        return tokens[:, None]

    def logits(self, hidden):
        return one_hot(hidden[:, 0] + 1)


def compute(model, attention, known):
    """One step."""
    from ruvon.seams import Span

    attention.prepare([Span(0, len(known))])
    hidden = model(torch.tensor(list(known)), torch.arange(len(known)), attention)
    return model.logits(hidden[-1:])


def increment(token, reason=None):
    """What one step adds."""
    from ruvon.engine.generate import Increment

    return Increment((token,), reason)


def setting(model, prompt, params, eos_id, context, more=0, room=1):
    """The length at which a run ends, and the ids that stop it."""
    limit = (context or model.context) + room
    if params.max_tokens is not None:
        limit = min(limit, len(prompt) + params.max_tokens + more)
    stops = {*params.stop_token_ids, eos_id} if not params.ignore_eos else {*params.stop_token_ids}
    return limit, stops


def chosen(sample, logits, params, known, prompt):
    """The next token, by the sampler if there is one."""
    from ruvon.sampling.greedy import Row
    from ruvon.sampling.greedy import greedy

    return int((sample or greedy)(logits, [Row(params, list(known), prompt)]).ids)


def varied(
    more=0,
    room=1,
    reasons=REASONS,
    length_first=False,
    deaf=False,
    own_list=True,
):
    """The loop, with what may be wrong in it as arguments."""

    def generate(model, attention, prompt, params, sample=None, eos_id=None, context=None):
        start, known = len(prompt), list(prompt) if own_list else prompt
        limit, stops = setting(model, prompt, params, eos_id, context, more, room)
        while True:
            token = chosen(sample, compute(model, attention, known), params, known, start)
            known.append(token)
            full = len(known) >= limit
            if token in stops and not deaf and not (full and length_first):
                yield increment(token, reasons[0])
                return
            if full:
                yield increment(token, reasons[1])
                return
            yield increment(token)

    return generate


def loop(*arguments, **keywords):
    """The plain one."""
    return varied()(*arguments, **keywords)


class Run:
    """Not a generator: an object that knows how far it is."""

    def __init__(self, model, attention, prompt, params, sample=None, eos_id=None, context=None):
        self.model, self.attention, self.params, self.sample = model, attention, params, sample
        self.known, self.start, self.over = list(prompt), len(prompt), False
        self.limit, self.stops = setting(model, prompt, params, eos_id, context)

    def __iter__(self):
        return self

    def __next__(self):
        if self.over:
            raise StopIteration
        logits = compute(self.model, self.attention, self.known)
        token = chosen(self.sample, logits, self.params, self.known, self.start)
        self.known.append(token)
        stops, full = token in self.stops, len(self.known) >= self.limit
        self.over = stops or full
        return increment(token, "stop" if stops else "length" if full else None)


def counted(model, attention, prompt, params, sample=None, eos_id=None, context=None):
    """A for that knows from the start how many rounds there can be."""
    limit, stops = setting(model, prompt, params, eos_id, context)
    known = tuple(prompt)
    for left in range(limit - len(known) - 1, -1, -1):
        logits = compute(model, attention, known)
        known = (*known, chosen(sample, logits, params, known, len(prompt)))
        if known[-1] in stops:
            yield increment(known[-1], "stop")
            break
        yield increment(known[-1], None if left else "length")


# What is wrong


def all_at_once(*arguments, **keywords):
    return iter(list(loop(*arguments, **keywords)))


def all_at_first(*arguments, **keywords):
    yield from list(loop(*arguments, **keywords))


def begun(*arguments, **keywords):
    steps = loop(*arguments, **keywords)
    first = next(steps)

    def go_on():
        yield first
        yield from steps

    return go_on()


def ahead(*arguments, **keywords):
    steps = loop(*arguments, **keywords)
    now = next(steps)
    for following in steps:
        yield now
        now = following
    yield now


def one_run_more(model, attention, prompt, *arguments, **keywords):
    known = list(prompt)
    for step in loop(model, attention, prompt, *arguments, **keywords):
        known.extend(step.ids)
        yield step
    compute(model, attention, known)


def always_says(*arguments, **keywords):
    for step in loop(*arguments, **keywords):
        yield increment(step.ids[0], step.finish_reason or "length")


def late(model, attention, prompt, *arguments, **keywords):
    known = list(prompt)
    for step in loop(model, attention, prompt, *arguments, **keywords):
        known.extend(step.ids)
        if step.finish_reason != "stop":
            yield step
            continue
        yield increment(step.ids[0])
        yield increment(int(compute(model, attention, known).argmax()), "stop")


def without_the_last(*arguments, **keywords):
    for step in loop(*arguments, **keywords):
        if step.finish_reason != "stop":
            yield step


def stuck(*arguments, **keywords):
    first = None
    for step in loop(*arguments, **keywords):
        first = first or step.ids[0]
        yield increment(first, step.finish_reason)
