"""Part 4 · Stop strings: text is held back while it may be the beginning of one."""

from collections.abc import Sequence
from dataclasses import replace

from ruvon.engine.generate import Increment
from ruvon.engine.text import Text
from ruvon.tokenizer import Tokenizer


class StoppedText(Text):
    """The text of one sequence, up to the first of some stop strings.

    A stop string may be spread over many tokens, or end in the middle of one. So what might be its
    beginning is held back until it is known to be something else. What was given out is never
    taken back, and where the text ends does not depend on how it was cut into tokens.
    """

    def __init__(self, tokenizer: Tokenizer | None, stop: Sequence[str]) -> None:
        super().__init__(tokenizer)
        self.stop = tuple(stop)
        self.held = ""

    def add(self, increment: Increment) -> Increment:
        """The same increment with the text that is certain; reason "stop" at a stop string."""
        grown = super().add(increment)
        text = self.held + grown.text
        end = first_stop(text, self.stop)
        if end is not None:
            self.held = ""
            return replace(grown, text=text[:end], finish_reason="stop")
        certain = len(text)
        if grown.finish_reason is None:
            certain -= longest_beginning(text, self.stop)
        self.held = text[certain:]
        return replace(grown, text=text[:certain])


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Where the stop string begins that is complete first, the longest of those; None without."""
    complete = [(text.find(one) + len(one), text.find(one)) for one in stop if one in text]
    return min(complete)[1] if complete else None


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    """How many characters at the end of `text` may be the beginning of a stop string."""
    most = min(len(text), max(map(len, stop)) - 1)
    for length in range(most, 0, -1):
        end = text[-length:]
        if any(one.startswith(end) for one in stop):
            return length
    return 0
