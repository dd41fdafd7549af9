"""Part 5: what the articles work by hand, in plain Python, and checked against the engine."""

import math
import sys

import torch

from ruvon.sampling.greedy import Row
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import inverse_cdf
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import tempered

TOKENS = ("a", "b", "c", "d")
LOGITS = [math.log(4), math.log(3), math.log(2), math.log(1)]
UNIFORM = 0.5
KNOBS: dict[str, dict] = {
    "temperature 1": {},
    "temperature 0.5": {"temperature": 0.5},
    "top-k 2": {"top_k": 2},
    "top-p 0.75": {"top_p": 0.75},
    "min-p 0.3": {"min_p": 0.3},
}


def softmax(logits: list[float], temperature: float = 1.0) -> list[float]:
    """e to each logit over the temperature, divided by their sum."""
    powers = [math.exp(logit / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def keep(chances: list[float], stays: list[bool]) -> list[float]:
    """Chances of those that stay, divided by their sum."""
    left = [p if stay else 0.0 for p, stay in zip(chances, stays, strict=True)]
    return [p / sum(left) for p in left]


def top_k(chances: list[float], k: int) -> list[float]:
    """The k likeliest stay."""
    least = sorted(chances, reverse=True)[k - 1]
    return keep(chances, [p >= least for p in chances])


def top_p(chances: list[float], share: float) -> list[float]:
    """The likeliest stay, until they have `share` together; the one that reaches it stays too."""
    likelier = [sum(q for q in chances if q > p) for p in chances]
    return keep(chances, [before < share for before in likelier])


def min_p(chances: list[float], share: float) -> list[float]:
    """Those with at least `share` of the likeliest one's chance stay."""
    return keep(chances, [p >= share * max(chances) for p in chances])


def drawn(chances: list[float], uniform: float) -> int:
    """The token whose stretch of the line from 0 to 1 holds `uniform`."""
    end = 0.0
    for token, chance in enumerate(chances):
        end += chance
        if uniform < end:
            return token
    return max(token for token, chance in enumerate(chances) if chance)


def by_hand(**knobs: float) -> list[float]:
    """What the example's tokens are drawn with: temperature, top-k, top-p, min-p in this order."""
    chances = softmax(LOGITS, knobs.get("temperature", 1.0))
    for name, cut in (("top_k", top_k), ("top_p", top_p), ("min_p", min_p)):
        if name in knobs:
            chances = cut(chances, knobs[name])
    return chances


def by_engine(logits: list[float], **knobs: float) -> list[float]:
    """The same by the functions of the package."""
    rows = [Row(SamplingParams(**{"temperature": 1.0, **knobs}), [0], prompt=1)]
    temperature = torch.tensor([[rows[0].params.temperature]])
    return kept(tempered(adjusted(torch.tensor([logits]), rows), temperature), rows)[0].tolist()


def show_example() -> None:
    """One distribution under each knob, and what u = 0.5 draws from it."""
    print(f"{'':16}" + "".join(f"{token:>8}" for token in TOKENS) + f"   u = {UNIFORM} draws")
    for name, knobs in KNOBS.items():
        chances = by_hand(**knobs)
        engine = by_engine(LOGITS, **knobs)
        assert max(abs(p - q) for p, q in zip(chances, engine, strict=True)) < 1e-6
        token = drawn(chances, UNIFORM)
        assert token == int(inverse_cdf(torch.tensor([chances]), torch.tensor([[UNIFORM]])))
        print(f"{name:16}" + "".join(f"{p:8.3f}" for p in chances) + f"   {TOKENS[token]}")
    print("The engine finds the same.")


def show_order() -> None:
    """The same two filters in two orders, and temperature before and after a filter."""
    plain = softmax(LOGITS)
    for name, chances in (
        ("top-p 0.75, then min-p 0.3", min_p(top_p(plain, 0.75), 0.3)),
        ("min-p 0.3, then top-p 0.75", top_p(min_p(plain, 0.3), 0.75)),
        ("temperature 0.5, then top-p 0.75", top_p(softmax(LOGITS, 0.5), 0.75)),
        ("top-p 0.75, then temperature 0.5", warmed(top_p(plain, 0.75), 0.5)),
    ):
        kept_tokens = [t for t, p in zip(TOKENS, chances, strict=True) if p]
        print(f"{name:34} keeps {' '.join(kept_tokens):6} {[round(p, 3) for p in chances if p]}")


def warmed(chances: list[float], temperature: float) -> list[float]:
    """Chances as a temperature makes them: each to the power of 1 / temperature."""
    powers = [p ** (1 / temperature) for p in chances]
    return [power / sum(powers) for power in powers]


def show_penalty() -> None:
    """A repetition penalty of 2 on one logit, positive and negative, divided and as it is done."""
    for logit in (1.0, -1.0):
        row = Row(SamplingParams(temperature=1.0, repetition_penalty=2.0), [0], prompt=1)
        made = float(adjusted(torch.tensor([[logit, 0.0]]), [row])[0, 0])
        print(f"logit {logit:4}: divided {logit / 2:4}, by the engine {made:4}")


# Entropy, for docs/part5-advanced-entropy.md


def entropy(chances: list[float]) -> float:
    """Bits that the draw of one token is worth on average; 0 log 0 is 0."""
    return sum(p * math.log2(1 / p) for p in chances if p)


def typical(chances: list[float], share: float) -> list[float]:
    """Those stay whose surprise is nearest to the entropy, until they have `share` together.

    Meister et al., "Locally Typical Sampling" (2023), section 4.
    """
    apart = [abs(-math.log2(p) - entropy(chances)) if p else math.inf for p in chances]
    nearer = [sum(p for p, b in zip(chances, apart, strict=True) if b < a) for a in apart]
    return keep(chances, [before < share for before in nearer])


def mean_logit(chances: list[float]) -> float:
    """What the logit of a drawn token is on average."""
    return sum(p * logit for p, logit in zip(chances, LOGITS, strict=True))


def show_energy() -> None:
    """No distribution with the same mean logit has more entropy than the softmax."""
    for temperature in (0.5, 1.0, 2.0):
        best = softmax(LOGITS, temperature)
        # Two directions that change neither the sum nor the mean logit.
        found = [entropy(moved) for moved in moves(best)]
        assert max(found) < entropy(best)
        print(
            f"temperature {temperature}: mean logit {mean_logit(best):.3f}, "
            f"entropy {entropy(best):.3f} bits, the best of {len(found)} others {max(found):.3f}"
        )


def moves(chances: list[float]) -> list[list[float]]:
    """Distributions around `chances` with the same mean logit, on a grid of small moves."""
    around = []
    for x in range(-5, 6):
        for y in range(-5, 6):
            # c and d move freely; a and b make up for the sum and for the mean logit.
            c, d = 0.01 * x, 0.01 * y
            lost = c * LOGITS[2] + d * LOGITS[3]
            a = (-lost + (c + d) * LOGITS[1]) / (LOGITS[0] - LOGITS[1])
            moved = [p + m for p, m in zip(chances, (a, -a - c - d, c, d), strict=True)]
            if (x or y) and min(moved) > 0:
                assert abs(mean_logit(moved) - mean_logit(chances)) < 1e-12
                around.append(moved)
    return around


def show_typical() -> None:
    """A distribution whose likeliest token is not typical."""
    chances = [0.3] + [0.07] * 10
    tail = [round(p, 3) for p in typical(chances, 0.6)[:2]]
    print(f"entropy {entropy(chances):.2f} bits; surprise of the likeliest {-math.log2(0.3):.2f},")
    print(f"of each other {-math.log2(0.07):.2f}")
    print(f"typical 0.6 gives the likeliest {tail[0]}, each other {tail[1]}")


if __name__ == "__main__":
    shows = {
        "example": show_example,
        "order": show_order,
        "penalty": show_penalty,
        "energy": show_energy,
        "typical": show_typical,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]]()
