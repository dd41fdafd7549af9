"""A model and an attention of whole numbers, which write down what they are asked."""

from functools import partial

import torch

EXAMPLES = (
    # what is known, how many of it are computed
    ([7], 0),
    ([7, 8, 9], 0),
    ([7, 8, 9, 4], 3),
    ([7, 8, 9, 4, 5], 2),
    ([6, 6, 6, 1, 6, 6, 2, 6], 5),
)
SCORES = (1.0, 2.0, 3.0)


class Fed(list):
    """What was fed, labelled."""

    def __repr__(self):
        return f"(position, token) {super().__repr__()}"


class Model:
    """Token 9 at position 2 has the hidden state 92, and the logits 92, 184, 276."""

    layers = ()
    context, vocabulary = 16, len(SCORES)
    dtype = torch.float32

    def __init__(self, exam, log):
        self.exam, self.log = exam, log
        self.device_asked = False

    @property
    def device(self):
        self.device_asked = True
        return torch.device("cpu")

    def __call__(self, tokens, positions, attention):
        flat = all(isinstance(t, torch.Tensor) and t.dim() == 1 for t in (tokens, positions))
        self.exam.need(
            flat,
            "The model takes tensors of ids and of positions, each [T].",
            tokens=form(tokens),
            positions=form(positions),
        )
        self.exam.need(
            len(tokens) == len(positions),
            "Each token that is fed has one position.",
            tokens=tokens,
            positions=positions,
        )
        fed = Fed(zip(positions.tolist(), tokens.tolist(), strict=True))
        self.log.append(("model", fed, attention))
        return (10.0 * tokens + positions)[:, None]  # [T, 1]

    def logits(self, hidden):
        self.exam.need(
            hidden.dim() == 2,
            "`logits` takes rows, [R, width]. One row is [1, width].",
            got=form(hidden),
        )
        self.log.append(("logits", len(hidden)))
        return hidden * torch.tensor(SCORES)


class Attention:
    """Counts tokens as computed once `prepare` was told of them, as that of Part 3 will."""

    def __init__(self, exam, log, computed):
        self.exam, self.log = exam, log
        self.computed = computed

    def prepare(self, spans):
        listed = isinstance(spans, list | tuple) and all(hasattr(s, "count") for s in spans)
        listed = listed and all(hasattr(s, "start") for s in spans)
        self.exam.need(
            listed, "`prepare` takes a list of spans, with one `Span` in it here.", got=spans
        )
        self.log.append(("prepare", [new_span(span.start, span.count) for span in spans]))
        self.computed += sum(span.count for span in spans)


def check(exam):
    from ruvon.engine.generate import step

    for known, computed in EXAMPLES:
        log, given = [], list(known)
        model, attention = Model(exam, log), Attention(exam, log, computed)
        with exam.case("step(model, attention, known)", known=known, computed=computed):
            got = step(model, attention, given)
            runs = [entry for entry in log if entry[0] == "model"]
            exam.need(len(runs) == 1, "The model runs once in a step.", ran=len(runs))
            exam.equal(
                runs[0][1],
                Fed((place, known[place]) for place in range(computed, len(known))),
                partial(wrong_feeds, known, computed),
                "The model was fed something else.",
            )
            exam.need(runs[0][2] is attention, "The model has to get the attention you were given.")
            prepared(exam, log, known, computed)
            last = 10.0 * known[-1] + len(known) - 1
            first = 10.0 * known[computed] + computed
            exam.equal(got, scores_of(last), partial(wrong_scores, first, last))
            rows = [entry[1] for entry in log if entry[0] == "logits"]
            exam.need(
                rows == [1],
                "Only what comes after the last token is asked: one row is scored, once.",
                rows_scored=rows,
            )
            exam.need(given == known, "It changes `known`, which belongs to the caller.", now=given)
            exam.need(
                model.device_asked,
                "Nobody asked for `model.device`. On a GPU the model finds its ids and positions "
                "only if they are there, too.",
            )


def form(value):
    """What something is, for a message: of a tensor the shape."""
    return list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__


def new_span(start, count):
    """A span, which shows its numbers by name."""
    from ruvon.seams import Span

    return Span(start, count)


def scores_of(state):
    """The logits of a hidden state."""
    return torch.tensor([[state * score for score in SCORES]])


def wrong_scores(first, last):
    """What known mistakes give back."""
    return {
        "These are the logits after the first token that was fed.": scores_of(first),
        "Logits are asked for, and these are hidden states.": torch.tensor([[last]]),
    }


def wrong_feeds(known, computed):
    """What known mistakes feed."""
    new = known[computed:]
    made = {
        "`model` takes the ids first, then the positions.": [
            (token, place) for place, token in enumerate(known) if place >= computed
        ],
        "What is computed already is fed again.": list(enumerate(known)),
        "Only the last token is fed. All that are not computed have to be.": [
            (len(known) - 1, known[-1])
        ],
        "Only the last token is fed, and it stands at the end of the text, not at position 0.": [
            (0, known[-1])
        ]
        if len(known) > computed + 1
        else None,
        "Positions are those in the whole text: the first token fed does not stand at 0.": list(
            enumerate(new)
        ),
        "Positions begin with 0, and not with 1.": list(enumerate(new, start=computed + 1)),
        "These tokens are the computed ones. The others are to be fed.": list(
            enumerate(known[:computed])
        )
        if computed
        else None,
        "Nothing was fed. `prepare` changes `computed`, so read it before.": [],
    }
    return {mistake: Fed(fed) for mistake, fed in made.items() if fed is not None}


def prepared(exam, log, known, computed):
    """Attention was told what comes, once and in time."""
    told = [entry[1] for entry in log if entry[0] == "prepare"]
    exam.need(told, "Attention was not prepared: it does not know which tokens come.")
    exam.need(
        log[0][0] == "prepare",
        "Attention was prepared too late: it has to know before the model runs.",
    )
    exam.need(len(told) == 1, "Attention is prepared once in a step.", times=len(told))
    end, new = len(known), len(known) - computed
    exam.equal(
        told[0],
        [new_span(computed, new)],
        lambda: {
            "A span says how many tokens it has, not where it ends.": [new_span(computed, end)],
            "The span holds tokens that are computed already.": [new_span(0, end)],
            "The span begins where the first token fed stands, not at 0.": [new_span(0, new)],
            "The span's two numbers have changed places.": [new_span(new, computed)],
            "The span holds the tokens that are computed. It should hold those fed.": [
                new_span(0, computed)
            ],
            "All tokens fed make one span, for they are of one sequence.": [
                new_span(place, 1) for place in range(computed, end)
            ]
            if new > 1
            else None,
        },
        "The span is wrong.",
    )
