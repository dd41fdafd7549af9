"""Part 4 · Conversation: what was said so far. A model remembers nothing, so all of it is sent."""

from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Sequence
from contextlib import closing
from typing import Protocol

from ruvon.errors import RuvonError

Message = dict[str, str]  # role and content


class TooLong(RuvonError):
    """The messages are over the context. Raised before anything is answered."""


class Source(Protocol):
    """What answers: a model in this process, or a server."""

    def answer(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The pieces of the next message. Closing it cancels. Raises TooLong, RuvonError."""

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether there is room for an answer after these. True where nobody can say."""


class Conversation:
    """Turns of a user and a model: a question and its answer, each kept as it was said.

    `note` is told when the oldest turns are dropped to make room.
    """

    def __init__(self, source: Source, note: Callable[[str], None], system: str | None) -> None:
        self.source = source
        self.note = note
        self.opening = [{"role": "system", "content": system}] if system else []
        self.turns: list[Message] = []

    def say(self, text: str) -> Generator[str, None, None]:
        """The pieces of the answer to a text. What has come is kept, whatever ends it.

        A text to which nothing was said is not kept. Raises RuvonError.
        """
        self.turns.append({"role": "user", "content": text})
        said, whole = "", False
        try:
            with closing(self.answer()) as pieces:
                for piece in pieces:
                    said += piece
                    yield piece
            whole = True
        finally:
            if said or whole:
                self.turns.append({"role": "assistant", "content": said})
            else:
                self.turns.pop()

    def answer(self) -> Generator[str, None, None]:
        """The answer to all that was said, or to as much of it as fits."""
        while not self.source.fits([*self.opening, *self.turns]) and self.drop_oldest():
            pass
        while True:
            try:
                yield from self.source.answer([*self.opening, *self.turns])
                return
            except TooLong:
                if not self.drop_oldest():
                    raise

    def drop_oldest(self) -> bool:
        """Forget the first question and its answer. -> whether there was one before the last."""
        if len(self.turns) < 3:
            return False
        del self.turns[:2]
        self.note("the context is over: the oldest turn is forgotten")
        return True

    def forget(self) -> None:
        """Begin again."""
        self.turns.clear()


def room(context: int, max_tokens: int) -> int:
    """The tokens to keep for an answer: what may be asked for, but not most of the context."""
    return min(max_tokens, context // 4)
