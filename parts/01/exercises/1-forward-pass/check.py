"""Pieces of one number each, so that every sum can be done by hand."""

from functools import partial

import torch

EXAMPLES = (
    # tokens, positions, what each block does to x (times, plus), what the final norm adds
    ([2], [0], [], 0.0),
    ([2, 0], [0, 1], [], 0.0),
    ([2, 0], [0, 1], [], 0.5),
    ([2, 0], [0, 1], [(2, 0)], 0.5),
    ([2, 0], [1, 2], [(2, 0)], 0.5),
    ([2, 0], [0, 1], [(2, 0), (1, 3)], 0.5),
    ([1, 1, 2], [0, 1, 2], [(2, 0), (1, 3), (3, 1)], 0.5),
    ([1, 2], [1, 2], [(2, 1), (3, 0)], 1.0),
)
IDS = torch.tensor([[10.0], [20.0], [30.0]])
PLACES = torch.tensor([[1.0], [2.0], [3.0]])
ATTENTION = object()


def check(exam):
    from ruvon.models.gpt2 import GPT2

    for tokens, positions, blocks, norm in EXAMPLES:
        model = GPT2.__new__(GPT2)
        given = []
        model.token_embedding = called("token_embedding", lambda ids: IDS[ids])
        model.position_embedding = called("position_embedding", lambda ids: PLACES[ids])
        model.blocks = [block(given, *numbers) for numbers in blocks]
        model.final_norm = called("final_norm", lambda x, norm=norm: x + norm)
        model.head = lambda x: exam.need(False, "A forward pass ends before the head.")
        ids, places = torch.tensor(tokens), torch.tensor(positions)
        x, at = IDS[ids], PLACES[places]
        swapped = IDS[places] + PLACES[ids]
        told = f"model(tokens, positions, attention), {len(blocks)} block{'s'[: len(blocks) != 1]}"
        pieces = {
            "token table": IDS.flatten().tolist(),
            "position table": PLACES.flatten().tolist(),
            "blocks": [f"{times} * x" + f" + {plus}" * (plus > 0) for times, plus in blocks],
            "norm": f"x + {norm}",
        }
        with exam.case(told, tokens=ids, positions=places, **pieces):
            got = model(ids, places, ATTENTION)
            exam.equal(
                got,
                through(x + at, blocks) + norm,
                partial(mistakes, x, at, swapped, blocks, norm),
            )
            exam.need(
                all(attention is ATTENTION for attention in given),
                "A block has to get the attention that you were given.",
            )
            exam.need(len(given) == len(blocks), "Each block runs once.", ran=len(given))


def mistakes(x, at, swapped, blocks, norm):
    """What known mistakes make of it."""
    return {
        "The positions are not in it.": through(x, blocks) + norm,
        "The tokens are not in it.": through(at, blocks) + norm,
        "Tokens and positions are swapped: each has a table of its own.": (
            through(swapped, blocks) + norm
        ),
        "The final norm is missing.": through(x + at, blocks),
        "The blocks are missing, or what they give is thrown away.": x + at + norm,
        "Only the last block counts: each has to take what the one before it gave.": (
            through(x + at, blocks[-1:]) + norm
        ),
        "Positions are given. Do not count them from 0.": (
            through(x + PLACES[: len(x)], blocks) + norm
        ),
        "The norm comes once, after the last block.": through(x + at, blocks, norm) + norm,
    }


def block(given, times, plus):
    """A block that writes down which attention it gets."""

    def run(x, attention):
        given.append(attention)
        return times * x + plus

    return called("block", run)


def called(name, function):
    """The function, by the name that it has for the learner, in case that it is called wrongly."""
    function.__name__ = function.__qualname__ = name
    return function


def through(x, blocks, norm=0.0):
    """What the blocks make of x; `norm` before each of them, as it should not be."""
    for times, plus in blocks:
        x = times * (x + norm if norm else x) + plus
    return x
