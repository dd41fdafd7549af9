"""Part 4 · Server-sent events, read: bytes in pieces of any size become events.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\r|\n")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Event:
    """What a server said at once."""

    data: str
    # Its kind; most streams have one only, and do not name it.
    name: str = "message"


class EventReader:
    """Takes a stream's bytes as they come. An event is given as soon as it is whole.

    Lines are cut in the bytes, and decoded when they are whole: a character of several bytes has
    no line end in it, so it may arrive in two pieces.
    """

    def __init__(self) -> None:
        self.rest = b""  # of a line that goes on
        self.after_return = False  # the last byte was \r: a \n next belongs to it
        self.first = True
        self.name = ""
        self.data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that these bytes complete."""
        for line in self.lines(piece):
            if line:
                self.field(line)
            elif event := self.whole():
                yield event

    def lines(self, piece: bytes) -> list[str]:
        """The lines that these bytes complete, without their ends."""
        if not piece:
            return []
        if self.after_return:
            piece = piece.removeprefix(b"\n")
        self.after_return = piece.endswith(b"\r")
        *whole, self.rest = LINE_END.split(self.rest + piece)
        if whole and self.first:
            self.first = False
            whole[0] = whole[0].removeprefix(BYTE_ORDER_MARK)
        return [line.decode("utf-8", "replace") for line in whole]

    def field(self, line: str) -> None:
        """Take a line in. One that begins with a colon is a comment: its name is empty."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.name = value

    def whole(self) -> Event | None:
        """The event that an empty line ends, if it has data."""
        event = Event("\n".join(self.data), self.name or "message") if self.data else None
        self.data, self.name = [], ""
        return event
