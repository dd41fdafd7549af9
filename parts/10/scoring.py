"""Part 10: what one does with logprobs: scores of a text, perplexity, endings side by side."""

import math
import random
from collections.abc import Sequence

from ruvon import LLM
from ruvon.sampling.logprobs import Logprob


def scores(llm: LLM, text: str, most: int = 0) -> list[Logprob]:
    """How likely each token of a text was, but for the first."""
    [out] = llm.generate(text, max_tokens=1, prompt_logprobs=most)
    return out.prompt_logprobs


def of_ending(llm: LLM, beginning: str, ending: str) -> list[Logprob]:
    """How likely each token of an ending is after its beginning."""
    known = llm.encode(beginning)
    whole = llm.encode(beginning + ending)
    assert whole[: len(known)] == known, "a token lies across the border: begin with a blank"
    return scores(llm, beginning + ending)[len(known) - 1 :]


def total(scored: Sequence[Logprob]) -> float:
    """The log-probability of all of them together."""
    return sum(one.logprob for one in scored)


def mean(scored: Sequence[Logprob]) -> float:
    """The same, for one token."""
    return total(scored) / len(scored)


def perplexity(scored: Sequence[Logprob]) -> float:
    """Among how many tokens, all equally likely, the model might as well have chosen."""
    return math.exp(-mean(scored))


def shuffled(text: str, seed: int) -> str:
    """The same words in another order."""
    words = text.split(" ")
    random.Random(seed).shuffle(words)
    return " ".join(words)


def ranks(llm: LLM, scored: Sequence[Logprob]) -> list[int]:
    """The place of each token among all, 1 the likeliest. Scored with the whole vocabulary."""
    places = []
    for one in scored:
        assert len(one.top) == llm.model.vocabulary
        places.append(1 + [token for token, _ in one.top].index(one.id))
    return places
