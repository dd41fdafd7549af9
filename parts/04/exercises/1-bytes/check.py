"""The trace is written here by the server's own frames, and read by the rules of the article."""

from pathlib import Path

TEXTS = [" She", " sang", ":\n\n", "  la", "la", ".\n"]
PING_AFTER = 3  # texts
SHORT = "né"
LATER = " café."


def check(exam):
    from ruvon.server.frames import PING
    from ruvon.server.frames import frame
    from ruvon.server.frames import text_frame

    frames = [text_frame(text) for text in TEXTS]
    stream = b"".join([*frames[:PING_AFTER], PING, *frames[PING_AFTER:]])
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    assert numbered(stream) in text, "the trace in the text is not what the server writes"
    assert read(stream) == TEXTS
    about_events(exam, stream)
    about_blanks(exam, stream)
    about_servers(exam, frame)
    about_sizes(exam, text_frame)


def about_events(exam, stream):
    """Where an event ends, and what it says."""
    events, lines = len(read(stream)), stream.decode().split("\n")[:-1]
    exam.answer(
        "events",
        events,
        {
            events + 1: "A comment is nobody's data, and so makes no event.",
            data_lines(stream): "Lines of data that follow each other belong to one event.",
            data_lines(stream) + 1: "Not every line that is not empty is an event.",
            len(lines): "These are lines. What ends an event?",
        },
    )
    third = TEXTS[2]
    exam.answer(
        "third_text",
        third,
        {
            third
            + "\n": "The line breaks stand between the lines of data: three lines, two breaks.",
            third[:-1]: "Each of the three lines counts, also the empty ones.",
            third.rstrip(): "The two empty lines of data belong to it.",
            "".join(f" {line}\n" for line in third.split("\n"))[:-1]: (
                "Of each line of data a reader takes one blank off."
            ),
            f" {third}": "Of each line of data a reader takes one blank off.",
            "".join(f" {line}" for line in third.split("\n")): (
                "A reader takes the blank off, and puts a line break between two lines."
            ),
        },
    )


def about_blanks(exam, stream):
    """One blank is taken off a line of data: no more, and no less."""
    fourth = TEXTS[3]
    exam.answer(
        "fourth_text",
        fourth,
        {
            f" {fourth}": "One blank after the colon is no text.",
            fourth[1:]: "Only one blank is taken off. The others are text.",
            fourth.strip(): "Only one blank is taken off. The others are text.",
        },
    )
    lines = data_lines(stream)
    exam.answer(
        "blanks_too_many",
        lines,
        {
            len(TEXTS): "Each line of data has its blank, also one without text.",
            stream.count(b" "): "Some of these blanks are text, and one is in a comment.",
            stream.count(b" ") - 1: "Some of these blanks are text.",
            lines + 1: "A comment is not shown.",
        },
    )
    shown = "".join("\n".join(line.strip() for line in text.split("\n")) for text in TEXTS)
    exam.answer(
        "stripped",
        shown,
        {
            "".join(TEXTS): "That is right, and this client is not: it takes more than one blank.",
            "".join(text.strip() for text in TEXTS): (
                "It takes blanks off. Line breaks come of the lines, and stay."
            ),
            shown.strip(): "The line break at the end stays.",
            shown.replace("\n\n", "\n"): "Both line breaks of the third event stay.",
            " ".join(text.strip() for text in TEXTS): "Nothing puts blanks between two events.",
        },
    )


def about_servers(exam, frame):
    """Why a text is cut into lines, or written as JSON."""
    raw = b"".join(b"data: " + text.encode() + b"\n\n" for text in TEXTS)
    third = read(raw)[2]
    exam.answer(
        "third_text_raw",
        third,
        {
            TEXTS[
                2
            ]: "The text's own line breaks come first. What does the second one of them end?",
            third + "\n": "A line break of the text ends the line. It is not in the data.",
            "": "What stands in the line before the line break?",
            f" {third}": "One blank after the colon is no text, here too.",
        },
    )
    as_json = b"".join(frame({"text": text}) for text in TEXTS)
    exam.answer(
        "data_lines_as_json",
        data_lines(as_json),
        {
            data_lines(b"".join(lines_of(text) for text in TEXTS)): (
                "JSON writes a line break as two characters. Does the data have lines, then?"
            ),
            len(as_json.split(b"\n")) - 1: "Empty lines do not begin with data.",
            data_lines(as_json) + 1: "The comment is no data.",
        },
    )


def about_sizes(exam, text_frame):
    """Bytes of an event, and events of tokens."""
    from ruvon.engine.generate import Increment
    from ruvon.engine.text import Text
    from ruvon.tokenizer import Tokenizer
    from ruvon.zoo import locate

    size = len(text_frame(SHORT))
    exam.answer(
        "bytes_of_event",
        size,
        {
            size - 1: "One is missing: é is two bytes, and a blank stands after the colon.",
            size - 2: "The empty line is a byte, and é is two.",
            size - 3: "Two line breaks are bytes, too, and é is not one byte.",
            len(SHORT): "The event is more than its text.",
            len(SHORT.encode()): "The event is more than its text.",
        },
    )
    tokenizer = Tokenizer.from_dir(locate("story"))
    ids = tokenizer.encode(LATER)
    assert len(ids) == 5
    text = Text(tokenizer)
    texts = [text.add(Increment((token,))).text for token in ids]
    more = sum(1 for one in texts if one)
    exam.answer(
        "more_events",
        more,
        {
            len(ids): "Half a character is no text yet, and so no event.",
            more - 1: "When its other half is there, the character leaves.",
            1: "Each token's text leaves when it is certain, not all at the end.",
            len(LATER): "Events come of tokens, not of letters.",
        },
    )


def read(stream):
    """The data of each event, as a right reader has it."""
    texts, lines = [], []
    for line in stream.decode().split("\n"):
        if line.startswith("data:"):
            rest = line[len("data:") :]
            lines.append(rest[1:] if rest[:1] == " " else rest)
        elif line == "" and lines:
            texts.append("\n".join(lines))
            lines = []
    return texts


def lines_of(text):
    """The lines of data of a text that goes out as it is."""
    return b"".join(b"data: " + line.encode() + b"\n" for line in text.split("\n"))


def data_lines(stream):
    """How many lines of data a stream has."""
    return sum(line.startswith(b"data:") for line in stream.split(b"\n"))


def numbered(stream):
    """A stream as the text shows it."""
    lines = stream.decode().replace(" ", "·").split("\n")[:-1]
    return "\n".join(f"{n:2}  {line}".rstrip() for n, line in enumerate(lines, start=1))
