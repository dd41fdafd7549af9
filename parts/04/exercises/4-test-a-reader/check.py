"""Readers that keep the six promises, and readers that break one each."""

import codecs

from checking import Failed


def check(exam):
    right = {
        "a reader that is right": lines_of_bytes,
        "a reader that is right, an object with __next__": Reader,
        "a reader that is right, letter by letter": by_letters,
        "the reader of Ruvon's own clients": own,
    }
    wrong = {
        "a reader that takes no blank off": varied(value=lambda rest: rest),
        "a reader that takes all blanks off in front": varied(value=lambda rest: rest.lstrip(" ")),
        "a reader that takes blanks off at both ends": varied(value=lambda rest: rest.strip(" ")),
        "a reader that takes a blank off at the end, too": varied(
            value=lambda rest: rest.removeprefix(" ").removesuffix(" ")
        ),
        "a reader that takes a character off, blank or not": varied(value=lambda rest: rest[1:]),
        "a reader that knows no data without a blank": varied(field="data: ", value=str),
        "a reader that puts no line break between lines": varied(join="".join),
        "a reader that puts a blank between lines": varied(join=" ".join),
        "a reader that puts a line break after the last line": varied(
            join=lambda lines: "".join(f"{line}\n" for line in lines)
        ),
        "a reader that keeps only the first line of a text": varied(join=lambda lines: lines[0]),
        "a reader that keeps only the last line of a text": varied(join=lambda lines: lines[-1]),
        "a reader that drops empty lines of a text": varied(
            join=lambda lines: "\n".join(filter(None, lines))
        ),
        "a reader that drops line breaks at the end of a text": varied(
            join=lambda lines: "\n".join(lines).rstrip("\n")
        ),
        "a reader that drops texts that are empty": varied(empty=False),
        "a reader that makes an event of each line of data": each_line,
        "a reader that makes a text of a comment": varied(comments=True),
        "a reader that makes an event of an empty line after a comment": varied(nothing=True),
        "a reader that gives the unfinished event at the end": varied(unfinished=True),
        "a reader that takes each piece for a stream of its own": each_piece,
        "a reader that gives one event for each piece": one_a_piece,
        "a reader that loses a line that is cut in two": cut_lines,
        "a reader that decodes each piece alone, and stops at half a character": decoding("strict"),
        "a reader that decodes each piece alone": decoding("replace"),
        "a reader that takes each byte for a character": latin,
        "a reader that waits for the end of the stream": late,
        "a reader that gives an event when the next one begins": one_late,
        "a reader that asks for one more piece first": asks_first,
    }
    exam.judge(
        exam.tests["test_a_reader"],
        {name: guarded(read) for name, read in right.items()},
        {name: guarded(read) for name, read in wrong.items()},
    )


def guarded(read):
    """The reader, which says so when it is called wrongly."""

    def checked(pieces):
        if isinstance(pieces, bytes | str):
            raise Failed("`read` takes a list of pieces. For one piece that is a list, too.")
        return Texts(read(one_by_one(pieces)))

    return checked


class Texts:
    """What a reader gives: no list, and it says so when it is compared with one."""

    def __init__(self, texts):
        self.texts = iter(texts)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.texts)

    def __eq__(self, other):
        raise Failed("What `read` gives need not be a list. Make one of it: list(read(...)).")


def one_by_one(pieces):
    """The pieces, each of them bytes."""
    for piece in pieces:
        if not isinstance(piece, bytes | bytearray):
            raise Failed(
                "Each piece is bytes. A byte taken out of bytes is a number: take a slice of one."
                if isinstance(piece, int)
                else "Each piece is bytes. A text gets there by `.encode()`.",
                [("piece", repr(piece))],
            )
        yield bytes(piece)


def lines(pieces):
    """The lines of a stream that have ended, each when it has."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode()


def varied(
    field="data:",
    value=lambda rest: rest.removeprefix(" "),
    join="\n".join,
    empty=True,
    comments=False,
    nothing=False,
    unfinished=False,
    cut=lines,
):
    """A reader, with what may be wrong in it as arguments."""

    def read(pieces):
        data = []
        for line in cut(pieces):
            if line.startswith(field):
                data.append(value(line[len(field) :]))
            elif comments and line.startswith(":"):
                data.append(line[1:].removeprefix(" "))
            elif line == "" and (data or nothing):
                text = join(data)
                data = []
                if text or empty:
                    yield text
        if unfinished and data:
            yield join(data)

    return read


lines_of_bytes = varied()


class Reader:
    """Not a generator: it keeps bytes, and looks for two line breaks in them."""

    def __init__(self, pieces):
        self.pieces, self.kept = iter(pieces), b""

    def __iter__(self):
        return self

    def __next__(self):
        while True:
            while b"\n\n" not in self.kept:
                self.kept = self.kept.lstrip(b"\n") + next(self.pieces)
            event, _, self.kept = self.kept.lstrip(b"\n").partition(b"\n\n")
            data = [line[5:] for line in event.split(b"\n") if line[:5] == b"data:"]
            if data:
                return b"\n".join(line[line[:1] == b" " :] for line in data).decode()


def by_letters(pieces):
    """Characters come of a decoder that remembers half ones."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, text = "", None
    for piece in pieces:
        for letter in decoder.decode(piece):
            if letter != "\n":
                line += letter
                continue
            name, _, rest = line.partition(":")
            if name == "data":
                text = ("" if text is None else text + "\n") + rest.removeprefix(" ")
            elif not line and text is not None:
                yield text
                text = None
            line = ""


def own(pieces):
    """What the engine's own clients read with."""
    from ruvon.client.events import EventReader

    reader = EventReader()
    for piece in pieces:
        for event in reader.feed(piece):
            yield event.data


# What is wrong


def each_line(pieces):
    for line in lines(pieces):
        if line.startswith("data:"):
            yield line[5:].removeprefix(" ")


def each_piece(pieces):
    for piece in pieces:
        yield from lines_of_bytes([piece])


def one_a_piece(pieces):
    events = []
    kept = b""
    for piece in pieces:
        kept += piece
        events = list(lines_of_bytes([kept]))
        if events:
            yield events[0]
            kept = b""


def cut_lines(pieces):
    def cut(pieces):
        for piece in pieces:
            yield from piece.decode(errors="ignore").split("\n")[:-1]

    yield from varied(cut=cut)(pieces)


def decoding(errors):
    """A reader that decodes each piece before it puts them together."""

    def read(pieces):
        yield from lines_of_bytes(piece.decode(errors=errors).encode() for piece in pieces)

    return read


def latin(pieces):
    yield from lines_of_bytes(piece.decode("latin-1").encode() for piece in pieces)


def late(pieces):
    yield from lines_of_bytes([b"".join(pieces)])


def one_late(pieces):
    kept = []
    for text in lines_of_bytes(pieces):
        yield from kept
        kept = [text]
    yield from kept


def asks_first(pieces):
    def ahead():
        before = None
        for piece in pieces:
            if before is not None:
                yield before
            before = piece
        yield before or b""

    yield from lines_of_bytes(ahead())
