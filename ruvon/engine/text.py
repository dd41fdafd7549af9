"""Part 2 · Text: what each increment adds to it, never half a character."""

from dataclasses import replace

from ruvon.engine.generate import Increment
from ruvon.tokenizer import Detokenizer
from ruvon.tokenizer import Tokenizer


class Text:
    """The text of one sequence, as it grows. Without a tokenizer it stays empty."""

    def __init__(self, tokenizer: Tokenizer | None) -> None:
        self.eos_id = tokenizer.eos_id if tokenizer else None
        self.detokenizer = Detokenizer(tokenizer) if tokenizer else None

    def add(self, increment: Increment) -> Increment:
        """The same increment with its text. The token that stops a sequence is no text."""
        if self.detokenizer is None:
            return increment
        ids = increment.ids[:-1] if increment.finish_reason == "stop" else increment.ids
        text = "".join(self.detokenizer.push(token) for token in ids if token != self.eos_id)
        if increment.finish_reason:
            text += self.detokenizer.flush()
        return replace(increment, text=text)
