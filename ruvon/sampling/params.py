"""Part 2 · SamplingParams: what a caller may ask of a generation."""

from collections.abc import Iterable
from collections.abc import Mapping  # part 5
from dataclasses import dataclass
from math import isfinite  # part 5

from ruvon.errors import RuvonError


@dataclass(frozen=True)
class SamplingParams:
    """How to generate. Frozen and checked, so that inside the engine it needs no second look."""

    # At most this many new tokens; None goes on to the end of the model's context.
    max_tokens: int | None = 16
    # Ids that end the generation, besides the model's own end-of-text token.
    stop_token_ids: tuple[int, ...] = ()
    # Go on past the end-of-text token, as benchmarks need it.
    ignore_eos: bool = False
    # Texts that end the generation, and are not part of it. One text alone will do.
    stop: tuple[str, ...] = ()  # part 4
    # What the logits are divided by before a token is drawn. 0 takes the likeliest.
    temperature: float = 0.0  # part 5
    # Draw from the `top_k` likeliest tokens; 0 and -1 from all.
    top_k: int = 0  # part 5
    # Draw from the likeliest tokens that have this much probability together.
    top_p: float = 1.0  # part 5
    # Draw from tokens with at least this share of the likeliest one's probability.
    min_p: float = 0.0  # part 5
    # Above 1 makes tokens of the prompt and of the text less likely: logits divided, or multiplied.
    repetition_penalty: float = 1.0  # part 5
    # Taken off the logit of a token that the text has, and for each time that it has it.
    presence_penalty: float = 0.0  # part 5
    frequency_penalty: float = 0.0  # part 5
    # Added to the logits of some tokens: (id, bias) pairs. A dictionary will do.
    logit_bias: tuple[tuple[int, float], ...] = ()  # part 5
    # The same seed draws the same text. Without one, every generation draws its own.
    seed: int | None = None  # part 5
    # No token ends the generation before it has this many.
    min_tokens: int = 0  # part 5
    # How many continuations of the prompt. Each draws its own, from the same seed.
    n: int = 1  # part 5
    # How many of the likeliest tokens to score beside each new one, and beside each of the prompt.
    logprobs: int | None = None  # part 10
    prompt_logprobs: int | None = None  # part 10

    def __post_init__(self) -> None:
        """Refuse what no generation can honour. Raises RuvonError."""
        if self.max_tokens is not None and not is_count(self.max_tokens):
            raise RuvonError(f"max_tokens must be None or at least 1, not {self.max_tokens!r}")
        given = self.stop_token_ids
        stops = tuple(given) if isinstance(given, Iterable) else (None,)  # a list will do
        if not all(is_count(i, least=0) for i in stops):
            raise RuvonError(f"stop_token_ids must be token ids, not {given!r}")
        object.__setattr__(self, "stop_token_ids", stops)
        object.__setattr__(self, "stop", as_texts(self.stop))  # part 4
        check_sampling(self)  # part 5
        check_logprobs(self)  # part 10


def as_texts(given: object) -> tuple[str, ...]:  # part 4
    """Stop strings as a tuple, from one text or several. Raises RuvonError."""
    texts = (given,) if isinstance(given, str) else given
    found = tuple(texts) if isinstance(texts, Iterable) else (None,)
    if not all(isinstance(text, str) and text for text in found):
        raise RuvonError(f"stop must be texts that are not empty, not {given!r}")
    return found


# Each number with its bounds; both may be taken, except where the lower one stands for "over".
BOUNDS: dict[str, tuple[float, float]] = {  # part 5
    "temperature": (0, 100),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "repetition_penalty": (0, 100),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
NOT_ZERO = ("top_p", "repetition_penalty")  # part 5
MOST_CHOICES = 128  # part 5


def check_sampling(params: SamplingParams) -> None:  # part 5
    """Refuse what no draw can honour. Raises RuvonError."""
    for name, (low, high) in BOUNDS.items():
        value = getattr(params, name)
        over = name in NOT_ZERO
        if not is_number(value) or not low <= value <= high or (over and value == 0):
            raise RuvonError(
                f"{name} must be a number {'over' if over else 'from'} {low:g} "
                f"{'and at most' if over else 'to'} {high:g}, not {value!r}"
            )
    if params.top_k != -1 and not is_count(params.top_k, least=0):
        raise RuvonError(f"top_k must be a whole number, 0 or -1 for all, not {params.top_k!r}")
    if params.seed is not None and not is_count(params.seed, least=-(2**63)):
        raise RuvonError(f"seed must be None or a whole number, not {params.seed!r}")
    most = params.max_tokens
    if not is_count(params.min_tokens, least=0) or (most is not None and params.min_tokens > most):
        raise RuvonError(f"min_tokens must be from 0 to max_tokens, not {params.min_tokens!r}")
    if not is_count(params.n) or params.n > MOST_CHOICES:
        raise RuvonError(f"n must be a whole number from 1 to {MOST_CHOICES}, not {params.n!r}")
    object.__setattr__(params, "logit_bias", as_biases(params.logit_bias))


def check_logprobs(params: SamplingParams) -> None:  # part 10
    """Refuse what is no number of tokens. Raises RuvonError."""
    for name in ("logprobs", "prompt_logprobs"):
        value = getattr(params, name)
        if value is not None and not is_count(value, least=0):
            raise RuvonError(f"{name} must be None or a whole number, not {value!r}")


def as_biases(given: object) -> tuple[tuple[int, float], ...]:  # part 5
    """(id, bias) pairs in order of id, from a dictionary or from pairs. Raises RuvonError."""
    try:
        pairs = dict(given.items() if isinstance(given, Mapping) else given)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        pairs = {None: None}
    for token, bias in pairs.items():
        if not is_count(token, least=0) or not is_number(bias) or not -100 <= bias <= 100:
            raise RuvonError(
                f"logit_bias must give token ids a number from -100 to 100, not {given!r}"
            )
    return tuple(sorted((token, float(bias)) for token, bias in pairs.items()))


def is_number(value: object) -> bool:  # part 5
    """Whether `value` is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_count(value: object, least: int = 1) -> bool:
    """Whether `value` is a whole number of at least `least`; True and False are no numbers."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
