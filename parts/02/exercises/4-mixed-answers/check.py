"""An LLM without a model: prompts are counted on, and increments come in any order."""

from functools import partial
from inspect import getsource

LAST = 9  # the token that stops
ALL = "Each answer still gets the tokens of all prompts."
PLANTED = """
        made: list[list[Increment]] = [[]] * len(many)
        for index, increment in self.increments(ids, each):
            made[index].append(increment)
        return"""
BEFORE = "This was right before. The bug is another line."
MIXED = (
    "Increments may come mixed. Each says by its index whose it is; when it comes says nothing "
    "about that."
)


def check(exam):
    one, two, three = [[3]], [[3], [6]], [[1], [3], [6]]
    ask(exam, one, {"max_tokens": 2})
    ask(exam, two, {"max_tokens": 2})
    ask(exam, three, {"max_tokens": 2})
    ask(exam, two, {"max_tokens": 2}, in_turns)
    ask(exam, ["3", "6"], {"max_tokens": 2}, in_turns)
    ask(exam, three, {"max_tokens": 2}, last_first)
    ask(exam, [[7], "1 2", [4, 4]], {"max_tokens": 3}, in_turns)
    ask(exam, [[1], [8], [5], [2]], {"max_tokens": 2}, last_first)
    ask(exam, ["1", [5], "7"], [1, 3, 9], in_turns)
    ask(exam, [[1], [2], [3]], [3, 2, 1], in_turns)
    twice(exam)
    as_before(exam)


def one_by_one(counts):
    """All of the first prompt, then all of the second."""
    return [index for index, count in enumerate(counts) for _ in range(count)]


def in_turns(counts):
    """One of each prompt, as long as it has any left."""
    return [i for turn in range(max(counts)) for i, count in enumerate(counts) if turn < count]


def last_first(counts):
    """In turns, and the last prompt begins."""
    return [len(counts) - 1 - index for index in in_turns(counts[::-1])]


def ask(exam, prompts, asked, order=one_by_one, llm=None):
    """One call of `generate`. `asked` are keywords, or a max_tokens for each prompt."""
    from ruvon.sampling.params import SamplingParams

    each = isinstance(asked, list)
    most = asked if each else [asked["max_tokens"]] * len(prompts)
    wanted = [by_hand(encode(p), n) for p, n in zip(prompts, most, strict=True)]
    arrival = order([len(ids) for ids, _ in wanted])
    llm = llm or new_llm(exam, order)
    # The toy says n + 1 after n. The increments come in this order, by the index of their prompt.
    told = {"max_tokens": most, "increments_of": arrival, "model": "says n + 1 after n"}
    with exam.case("llm.generate(prompts)", prompts=prompts, **told):
        before = len(llm.calls)
        try:
            if each:
                outs = llm.generate(prompts, [SamplingParams(max_tokens=n) for n in most])
            else:
                outs = llm.generate(prompts, **asked)
        except AssertionError as error:
            exam.need(
                False,
                f"An answer was put together before all of it was there. {MIXED}",
                it_says=str(error),
            )
        answers(exam, outs, wanted, arrival)
        handed_on(exam, llm.calls[before:], len(prompts))
        exam.equal([out.prompt_token_ids for out in outs], list(map(encode, prompts)))
        texts = [prompt if isinstance(prompt, str) else None for prompt in prompts]
        exam.equal([out.prompt for out in outs], texts, otherwise=BEFORE)


def answers(exam, outs, wanted, arrival):
    """The new ids, then what comes with them."""
    right = [ids for ids, _ in wanted]
    exam.equal(
        [out.outputs[0].token_ids for out in outs],
        right,
        partial(mistakes, right, arrival),
        "Some answer holds tokens that are not its own, or not all of them.",
    )
    exam.equal([out.outputs[0].text for out in outs], [spell(ids) for ids in right])
    exam.equal([out.outputs[0].finish_reason for out in outs], [why for _, why in wanted])
    exam.equal(
        [[one.index for one in out.outputs] for out in outs], [[0] for _ in outs], otherwise=BEFORE
    )


def handed_on(exam, calls, count):
    """All prompts in one call."""
    exam.need(
        calls == [count],
        "The prompts have to be handed on in one call of `increments`. One at a time, they can "
        "never run side by side.",
        prompts_in_each_call=calls,
        should_be=[count],
    )


def mistakes(right, arrival):
    """What known mistakes make of increments that come in this order."""
    left = [list(ids) for ids in right]
    come = [(index, left[index].pop(0)) for index in arrival]
    many, tokens = len(right), [token for _, token in come]
    first = [token for index, token in come if index != 0]
    last = [token for index, token in come if index != many - 1]
    partly = "One answer has a list of its own now. The others still share theirs."
    places = "The answers stand in the order of the tokens. They belong in that of the prompts."
    made = {
        still_all(): [tokens] * many,
        "What the first prompts got is thrown away: each answer holds the last one's tokens.": (
            [right[-1]] * many
        ),
        f"{MIXED} Here they are cut into pieces as they came.": in_pieces(right, come),
        places: [right[index] for index in dict.fromkeys(arrival)],
        f"{places} Here it is the order in which they ended.": [
            right[index] for index in ended(arrival)
        ],
    }
    if many > 2:
        made[partly] = [right[0], *[first] * (many - 1)]
        made[f"{partly} "] = [*[last] * (many - 1), right[-1]]
    return made


def still_all():
    """What to say when each answer gets everything: it depends on what was tried."""
    from ruvon.llm import LLM

    text = getsource(LLM.generate)
    if PLANTED in text:
        return ALL
    if "deepcopy" in text:
        return f"{ALL} If one list stood in two places, then one deep copy stands in both."
    return (
        f"{ALL} A copy of a list holds the same things again, not new ones; and `+=` changes a "
        "list in place, as `append` does."
    )


def in_pieces(right, come):
    """A new answer begins wherever one ended; it is put where that one's index says."""
    left, piece, pieces = [len(ids) for ids in right], [], [[] for _ in right]
    for index, token in come:
        piece = [*piece, token]
        left[index] -= 1
        if not left[index]:
            pieces[index], piece = piece, []
    return pieces


def ended(arrival):
    """The prompts in the order of their last increment."""
    return list(dict.fromkeys(arrival[::-1]))[::-1]


def twice(exam):
    """A call knows nothing of the one before it."""
    llm = new_llm(exam, in_turns)
    ask(exam, [[3], [6]], {"max_tokens": 2}, in_turns, llm)
    ask(exam, [[1], [4]], {"max_tokens": 2}, in_turns, llm)


def as_before(exam):
    """What was right, and has to stay so."""
    from ruvon.errors import RuvonError
    from ruvon.sampling.params import SamplingParams

    for prompt in ("3 4", [3, 4]):
        with exam.case("llm.generate(prompt, max_tokens=2)", prompt=prompt):
            outs = new_llm(exam, one_by_one).generate(prompt, max_tokens=2)
            exam.equal([out.outputs[0].token_ids for out in outs], [[5, 6]], otherwise=BEFORE)
    with exam.case("llm.generate([])"):
        exam.equal(new_llm(exam, one_by_one).generate([]), [], otherwise="No prompts, no answers.")
    for given in (([SamplingParams()], {}), (SamplingParams(), {"max_tokens": 2})):
        with exam.case("llm.generate([[3], [6]], ...)", params=given[0], keywords=given[1]):
            try:
                made = new_llm(exam, one_by_one).generate([[3], [6]], given[0], **given[1])
            except RuvonError:
                continue
            exam.need(False, BEFORE, expected="RuvonError", got=made)


def new_llm(exam, order):
    """The learner's LLM without weights. `calls` are the numbers of prompts that were run."""
    from ruvon.llm import LLM

    llm = LLM.__new__(LLM)
    llm.calls, llm.encode = [], encode
    llm.increments = partial(increments, exam, llm.calls, order)
    return llm


def encode(prompt):
    """The text "3 4" is the ids 3 and 4."""
    return [int(word) for word in prompt.split()] if isinstance(prompt, str) else list(prompt)


def spell(ids):
    """The text of new ids."""
    return "".join(f" {token}" for token in ids)


def by_hand(prompt, most):
    """The new ids, and why they end: after n comes n + 1, and 9 is the last."""
    ids = list(range(prompt[-1] + 1, LAST + 1))[:most]
    return ids, "stop" if ids[-1] == LAST else "length"


def increments(exam, calls, order, prompts, params):
    """In the place of `LLM.increments`: the prompts run in the given order."""
    from ruvon.engine.generate import Increment

    exam.need(
        all(isinstance(ids, list) for ids in prompts) and len(prompts) == len(params),
        "`increments` takes the ids of each prompt, and the params of each.",
        prompts=prompts,
        params=params,
    )
    calls.append(len(prompts))
    runs = [by_hand(ids, p.max_tokens) for ids, p in zip(prompts, params, strict=True)]
    done = [0] * len(runs)
    for index in order([len(ids) for ids, _ in runs]) if runs else ():
        ids, why = runs[index]
        token, done[index] = ids[done[index]], done[index] + 1
        yield index, Increment((token,), why if done[index] == len(ids) else None, f" {token}")
