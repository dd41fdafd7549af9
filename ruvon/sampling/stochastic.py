"""Part 5 · Drawing the next token: many rows at once, each with parameters of its own.

The order is that of `transformers`: what changes single logits (bias, penalties) comes first, then
temperature, then what keeps some tokens and drops the others: top-k, top-p (Holtzman et al. 2020,
section 3.1), min-p. What is kept is renormalised, and one token is drawn.
"""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from secrets import randbits

import torch
from torch import Tensor

from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import Sampled
from ruvon.sampling.greedy import greedy
from ruvon.sampling.params import SamplingParams

# In the place of an id: this row's logits are no scores (NaN, or plus infinity, or nothing left).
NO_TOKEN = -1

MASK = 2**64 - 1


def stochastic(logits: Tensor, rows: Sequence[Row]) -> Sampled:
    """Draw the next token of each row. logits [R, vocabulary] -> ids [R], NO_TOKEN where none.

    What a row draws depends on its logits, its parameters, its choice and its position alone.
    """
    scores = adjusted(logits.float(), rows)
    best = greedy(scores, rows).ids
    # NaN and plus infinity win over every number, and minus infinity wins only if it is alone.
    sound = scores.gather(-1, best[:, None])[:, 0].isfinite()  # [R]
    if any(row.params.temperature for row in rows):
        temperature = column(rows, lambda params: params.temperature, logits)  # [R, 1]
        drawn = inverse_cdf(kept(tempered(scores, temperature), rows), uniforms(rows, logits))
        best = torch.where(temperature[:, 0] > 0, drawn, best)
    return Sampled(ids=best.where(sound, NO_TOKEN))


def seeded(params: SamplingParams) -> SamplingParams:
    """The same parameters with a seed: drawn now, where something is to be drawn without one."""
    if params.seed is not None or not params.temperature:
        return params
    return replace(params, seed=randbits(63))


def column(rows: Sequence[Row], of: Callable[[SamplingParams], float], like: Tensor) -> Tensor:
    """One parameter of each row, [R, 1]."""
    return torch.tensor([[of(row.params)] for row in rows], device=like.device)


# What changes single logits


def adjusted(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    """Logits after bias, the ban of early ends, and penalties. [R, vocabulary] -> the same."""
    if not any(changes_logits(row) for row in rows):
        return logits
    biases = [row.params.logit_bias for row in rows]
    ids = [[token for token, _ in pairs] for pairs in biases]
    logits = logits + summed(ids, [bias for pairs in biases for _, bias in pairs], logits)
    banned = summed([sorted(row.stops) if too_short(row) else () for row in rows], 1.0, logits)
    logits = logits.masked_fill(banned > 0, -torch.inf)
    text = summed([row.ids[row.prompt :] for row in rows], 1.0, logits)  # how often
    seen = text + summed([row.ids[: row.prompt] for row in rows], 1.0, logits) > 0
    repetition = column(rows, lambda params: params.repetition_penalty, logits)
    pushed = torch.where(logits > 0, logits / repetition, logits * repetition)
    logits = torch.where(seen, pushed, logits)
    presence = column(rows, lambda params: params.presence_penalty, logits)
    frequency = column(rows, lambda params: params.frequency_penalty, logits)
    return logits - (text * frequency + (text > 0) * presence)


def changes_logits(row: Row) -> bool:
    """Whether a row asks for anything of `adjusted`."""
    params = row.params
    penalties = params.repetition_penalty != 1 or params.presence_penalty
    return bool(penalties or params.frequency_penalty or params.logit_bias or too_short(row))


def too_short(row: Row) -> bool:
    """Whether the next token must not end the text yet."""
    return len(row.ids) - row.prompt < row.params.min_tokens


def summed(ids: Sequence[Sequence[int]], values: float | Sequence[float], like: Tensor) -> Tensor:
    """A table like `like`, to which each row's ids have added their value, in order of the rows."""
    flat = torch.tensor(list(chain.from_iterable(ids)), dtype=torch.long, device=like.device)
    lengths = torch.tensor([len(of_row) for of_row in ids], device=like.device)
    row = torch.arange(len(ids), device=like.device).repeat_interleave(
        lengths, output_size=len(flat)
    )
    added = torch.tensor(values, dtype=like.dtype, device=like.device).expand(len(flat))
    known = flat < like.shape[-1]  # a bias for a token that is not there biases nothing
    places = (row, flat.where(known, 0))
    return torch.zeros_like(like).index_put(places, added * known, accumulate=True)


# Which tokens may be drawn, and how likely they are


def tempered(logits: Tensor, temperature: Tensor) -> Tensor:
    """Logits over temperature, the highest at 0; rows of temperature 0 as if it were 1.

    The highest is taken off before the division, or a small temperature would make infinities.
    """
    highest = logits.amax(dim=-1, keepdim=True)
    return (logits - highest) / torch.where(temperature > 0, temperature, 1.0)


def kept(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    """The probabilities after top-k, top-p and min-p, renormalised. [R, vocabulary] -> the same."""
    wanted = [row.params for row in rows]
    vocabulary = logits.shape[-1]
    if any(0 < params.top_k < vocabulary or params.top_p < 1 for params in wanted):
        ascending, order = logits.sort(dim=-1)
        at = [[vocabulary - (p.top_k if 0 < p.top_k < vocabulary else vocabulary)] for p in wanted]
        least = ascending.gather(-1, torch.tensor(at, device=logits.device))  # [R, 1]
        ascending = ascending.masked_fill(ascending < least, -torch.inf)  # equals of the k-th stay
        top_p = column(rows, lambda params: params.top_p, logits)
        below = ascending.softmax(dim=-1).cumsum(dim=-1)  # of each, its own and all smaller ones
        dropped = (below <= 1 - top_p) & (top_p < 1)
        dropped[:, -1] = False  # one is always left
        dropped |= ascending == -torch.inf
        logits = logits.masked_fill(dropped.scatter(-1, order, dropped), -torch.inf)
    chances = logits.softmax(dim=-1)
    if any(params.min_p for params in wanted):
        share = column(rows, lambda params: params.min_p, logits)
        chances = chances.where(chances >= share * chances.amax(dim=-1, keepdim=True), 0.0)
        chances = chances / chances.sum(dim=-1, keepdim=True)
    return chances


# Which of them is drawn


def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    """The token where the cumulated chances pass `uniform` [R, 1]. [R, vocabulary] -> [R]."""
    wide = torch.float32 if chances.device.type == "mps" else torch.float64
    cumulated = chances.to(wide).cumsum(dim=-1)
    # Never a token without a chance: its sum does not rise. The last sum may miss 1 by a little.
    return (cumulated > uniform * cumulated[:, -1:]).to(torch.uint8).argmax(dim=-1)


def uniforms(rows: Sequence[Row], like: Tensor) -> Tensor:
    """A number from 0 to under 1 for each row, [R, 1]."""
    wide = torch.float32 if like.device.type == "mps" else torch.float64
    draws = [[uniform(row.params.seed or 0, row.choice, len(row.ids))] for row in rows]
    return torch.tensor(draws, dtype=wide, device=like.device)


def uniform(seed: int, choice: int, position: int) -> float:
    """The number that belongs to a seed, a choice and a position: no state, so no order of drawing.

    Rounds of splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators", figure 16), one for each, so that near seeds and choices are far apart.
    """
    return (mixed(mixed(mixed(seed & MASK) + choice) + position) >> 11) / 2**53


def mixed(number: int) -> int:
    """64 bits that look random, the same for the same number."""
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & MASK
    return number ^ (number >> 31)
