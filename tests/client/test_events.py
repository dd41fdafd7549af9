"""Server-sent events, cut anywhere, against a reader that sees the whole stream at once."""

from itertools import pairwise

from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ruvon.client.events import Event
from ruvon.client.events import EventReader
from ruvon.server.frames import DONE
from ruvon.server.frames import PING
from ruvon.server.frames import frame
from ruvon.server.frames import text_frame

PIECES = [b"data", b"event", b"id", b"retry", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"x"]
PIECES += [
    b"data: ",
    b": ping",
    "é🐉".encode(),
    b"\xff",
    b"\xe2\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
]


def read(pieces):
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def read_whole(stream):
    """The specification's words, for a text that is there."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    events, data, name = [], "", ""
    for line in lines:
        if line == "":
            if data:
                events.append(Event(data[:-1], name or "message"))
            data = name = ""
        elif not line.startswith(":"):
            key, value = line.split(":", 1) if ":" in line else (line, "")
            value = value[1:] if value.startswith(" ") else value
            if key == "data":
                data += value + "\n"
            if key == "event":
                name = value
    return events


def cut(stream, places):
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(ends)]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.lists(st.integers(0, 200)))
@example(b"data: a\r\ndata: b\r\n\r\n", range(30))
@example(b"data: a\r\rdata: b\n\n", range(30))
@example(b"\xef\xbb\xbfdata: a\n\n", range(30))
@example("data: é🐉\n\n".encode(), range(30))
def test_it_does_not_matter_where_a_stream_is_cut(stream, places):
    assert read(cut(stream, places)) == read_whole(stream)


@given(st.lists(st.text(), max_size=5), st.lists(st.integers(0, 500)))
def test_what_the_server_writes_is_read(texts, places):
    stream = PING.join(text_frame(text, "piece") for text in texts)
    stream += b"".join(frame({"text": text}) for text in texts) + DONE
    *events, done = read(cut(stream, places))
    said = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [event.data for event in events[: len(texts)]] == said
    assert {event.name for event in events[: len(texts)]} <= {"piece"}
    assert len(events) == 2 * len(texts)
    assert done == Event("[DONE]")


def test_an_event_is_given_with_its_last_byte():
    for stream in (b"data: a\n\n", b"data: a\r\r", b"data: a\r\n\r"):
        reader = EventReader()
        for byte in stream[:-1]:
            assert list(reader.feed(bytes([byte]))) == []
        assert list(reader.feed(stream[-1:])) == [Event("a")]


def test_what_has_no_end_is_no_event():
    assert read([b"data: a\n\ndata: b\n"]) == [Event("a")]
