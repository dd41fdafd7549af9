"""Part 2 · SamplingParams: what a caller may ask of a generation."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def as_texts(given: object) -> tuple[str, ...]:  # part 4
    """Stop strings as a tuple, from one text or several. Raises RuvonError."""
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, Iterable) or not all(isinstance(t, str) and t for t in list(texts)):
        raise RuvonError(f"stop must be texts that are not empty, not {given!r}")
    return tuple(texts)


def is_count(value: object, least: int = 1) -> bool:
    """Whether `value` is a whole number of at least `least`; True and False are no numbers."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
