"""The run is made here, by the loop in the learner's folder, with a model of five entries."""

from itertools import islice
from pathlib import Path

import torch

PROMPT, EOS = [4, 0, 7], 0
FOLLOWERS = {7: 2, 2: 9, 9: 4, 4: 1, 1: 0}
BLANKS = {(1, 1): "A", (2, 3): "B", (4, 1): "C", (4, 2): "D", (5, 4): "E"}


class Following:
    """After each token comes one certain token."""

    layers = ()
    context, vocabulary = 16, 10
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self):
        self.fed = []

    def __call__(self, tokens, positions, attention):
        self.fed.append(tokens.tolist())
        return tokens[:, None]

    def logits(self, hidden):
        return torch.eye(self.vocabulary)[[FOLLOWERS.get(int(token), 0) for token in hidden[:, 0]]]


def check(exam):
    from ruvon.engine import generate as module

    module.step = compute  # whatever stands in the learner's: it is another exercise
    exam.need(
        is_right(),
        "The answers are made with the loop in your folder, and it is not right at the moment. "
        "Finish first what you have open in ruvon/engine/generate.py.",
    )
    fed, sampled, reason = run(max_tokens=5)
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    for line in table(fed, sampled):
        assert line in text, f"the text lacks {line!r}"
    blanks(exam, fed, sampled, reason)
    about_the_run(exam, fed, sampled)
    otherwise(exam, sampled)


def blanks(exam, fed, sampled, reason):
    """What the table leaves open."""
    exam.answer(
        "A_fed",
        fed[0],
        {
            tuple(fed[1]): "That is what step 2 feeds, with the token that step 1 sampled.",
            tuple(range(len(fed[0]))): "These look like positions. The ids are asked for.",
            tuple(fed[0][:-1]): "Look at the positions of step 1: they count from 0.",
        },
    )
    exam.answer(
        "B_sampled",
        sampled[1],
        {
            sampled[0]: "That is what step 1 sampled. Look at what step 3 feeds in addition.",
            sampled[2]: "That is what step 3 sampled. Step 2 sampled what step 3 feeds at its end.",
        },
    )
    exam.answer(
        "C_fed",
        fed[3],
        {
            tuple(range(len(fed[3]))): "These look like positions. The ids are asked for.",
            (sampled[2],): "Nothing is remembered: the old tokens are fed again, too.",
            tuple(sampled[:3]): "The prompt is part of what is fed, in every step.",
            tuple(fed[2]): "That is what step 3 fed. Step 4 feeds one token more.",
            tuple(fed[4]): "That is what step 5 feeds, with the token that step 4 sampled.",
        },
    )
    count = len(fed[3])
    exam.answer(
        "D_positions",
        [0, count - 1],
        {
            (1, count): "The first position is 0.",
            (0, count): "The first position is 0, so the last one is less than the count.",
            (count - 1, count - 1): "All tokens are fed, not only the newest.",
            (len(PROMPT), count - 1): "The prompt is fed as well, in every step.",
        },
    )
    thoughts = {"length": "It is the fifth new token, true. But what does the loop ask first?"}
    word = exam.answers.get("E_finish")
    if isinstance(word, str) and word not in (reason, *thoughts):
        thoughts[word] = "It is one of the two words of the article's table, in small letters."
    exam.answer("E_finish", reason, thoughts)


def about_the_run(exam, fed, sampled):
    """Counts over all steps."""
    known = len(PROMPT) + len(sampled)
    computed = sum(map(len, fed))
    exam.answer(
        "known_at_the_end",
        known,
        {
            known - 1: "What the last step sampled is known, too.",
            len(sampled): "The prompt is known as well.",
        },
    )
    exam.answer(
        "position_never_fed",
        known - 1,
        {
            known: "Positions are counted from 0.",
            known - 2: "That one was fed: look at step 5.",
            len(sampled): "The prompt comes first, and has positions too.",
            len(sampled) - 1: "The prompt comes first, and has positions too.",
        },
    )
    exam.answer(
        "computed_in_all",
        computed,
        {
            len(fed[-1]): "Each step computes all that it feeds, also what was computed before.",
            computed + known: "What the last step sampled is never fed.",
            len(PROMPT) * len(fed): "Each step feeds one token more than the one before it.",
            computed - len(fed[0]): "The first step computes the prompt, and it counts.",
        },
    )
    exam.answer(
        "needed",
        len(fed[-1]),
        {
            known: "The last token is sampled, and never fed.",
            computed: "That is what was computed. Most of it was computed before.",
            len(sampled): "The prompt has to be computed, too.",
            len(sampled) - 1: "The prompt has to be computed, too.",
        },
    )
    exam.answer(
        "rows_scored_in_all",
        len(fed),
        {
            computed: "Only the last row of a step is turned into logits.",
            len(fed[-1]): "Only the last row of a step is turned into logits.",
            known: "A row is scored for each new token. The prompt is given.",
        },
    )


def otherwise(exam, sampled):
    """The same run, with one thing changed."""
    _, stopped, _ = run(max_tokens=5, stop_token_ids=(4,))
    if exam.answers.get("new_with_stop_id_4") == []:  # an answer, not a blank
        with exam.case("new_with_stop_id_4"):
            exam.need(False, "Only sampled tokens can stop a run.", yours=[])
    else:
        with_stop_id(exam, stopped, sampled)
    _, small, _ = run(max_tokens=None, context=6)
    exam.answer(
        "new_with_context_6",
        len(small),
        {
            len(small) - 1: "The last token needs no place: it is sampled, and never fed.",
            6: "The prompt fills a part of the context.",
            7: "So many are known in the end. How many of them are new?",
            len(sampled): "The context is full before the token comes that stops.",
        },
    )


def with_stop_id(exam, stopped, sampled):
    """The run that a certain token stops."""
    exam.answer(
        "new_with_stop_id_4",
        stopped,
        {
            tuple(stopped[:-1]): "The token that stops a run belongs to it.",
            tuple(PROMPT + stopped): "Only the new tokens are asked for.",
            tuple(PROMPT[:1]): "In the prompt an id that stops is only a token.",
            tuple(sampled): "Is there an earlier token that stops now?",
            tuple(sampled[: len(stopped) + 1]): "The run ends with the token that stops it.",
        },
    )


def run(**params):
    """A run of the loop. -> what each step fed, what it sampled, and why it ended."""
    from ruvon.attention.full import FullAttention
    from ruvon.engine.generate import generate
    from ruvon.sampling.params import SamplingParams

    model, context = Following(), params.pop("context", None)
    steps = generate(
        model, FullAttention(), list(PROMPT), SamplingParams(**params), eos_id=EOS, context=context
    )
    made = list(islice(steps, 20))
    return model.fed, [token for each in made for token in each.ids], made[-1].finish_reason


def is_right():
    """Whether the learner's loop does what it should: another exercise may be open in it."""
    try:
        return (
            run(max_tokens=5) == plain(5)
            and run(max_tokens=5, stop_token_ids=(4,)) == plain(3)
            and run(max_tokens=None, context=6) == (*plain(4)[:2], "length")
        )
    except Exception:
        return False


def plain(new):
    """What a run of `new` tokens has to be that ends with a stop, without the engine."""
    known = list(PROMPT)
    for _ in range(new):
        known.append(FOLLOWERS[known[-1]])
    return [known[:end] for end in range(len(PROMPT), len(known))], known[len(PROMPT) :], "stop"


def table(fed, sampled):
    """The run as the text shows it."""
    for number, (ids, token) in enumerate(zip(fed, sampled, strict=True), start=1):
        cells = [str(number), " ".join(map(str, ids)), f"0-{len(ids) - 1}", str(token), "-"]
        filled = [BLANKS.get((number, column), cell) for column, cell in enumerate(cells)]
        yield f"| {' | '.join(filled)} |"


def compute(model, attention, known):
    """A step as it should be."""
    hidden = model(torch.tensor(list(known)), torch.arange(len(known)), attention)
    return model.logits(hidden[-1:])
