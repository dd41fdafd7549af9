"""What may leave, and when: stop strings, half characters, and the bytes of an event stream."""

import json
from itertools import pairwise

import pytest

from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.engine.stops import longest_beginning
from ruvon.server.frames import frame
from ruvon.server.frames import text_frame
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate


def leaves(pieces, stop):
    """What leaves with each piece, and why it ended; the last piece is the limit."""
    text = StoppedText(None, stop)  # without a tokenizer, the text is given
    made = []
    for number, piece in enumerate(pieces, start=1):
        reason = "length" if number == len(pieces) else None
        made.append(text.add(Increment((0,), reason, piece)))
        if made[-1].finish_reason:
            break
    return [one.text for one in made], made[-1].finish_reason


@pytest.mark.parametrize(
    ("pieces", "stop", "expected", "reason"),
    [
        (["the", " m", "at"], ["mat"], ["the", " ", ""], "stop"),
        (["the", " m", "ap"], ["mat"], ["the", " ", "map"], "length"),
        (["the mat", " sat"], ["mat"], ["the "], "stop"),
        (["the m"], ["mat"], ["the m"], "length"),  # at the end nothing is held
        (["aa", "ab"], ["aab"], ["", "a"], "stop"),  # the second a was the beginning
        (["x", "y"], ["yz", "xy"], ["", ""], "stop"),
    ],
)
def test_what_may_be_a_beginning_is_held_back(pieces, stop, expected, reason):
    assert leaves(pieces, stop) == (expected, reason)


def test_where_a_text_ends_does_not_depend_on_its_tokens():
    text = "abacab, and aba at the end"
    ways = [[text], list(text), [text[:7], text[7:]], [text[:4], text[4:20], text[20:]]]
    for stop in (["acab,"], ["aba a"], ["b,", "ab"], ["end"], ["zzz"]):
        assert len({"".join(leaves(way, stop)[0]) for way in ways}) == 1


def test_no_more_is_held_than_may_be_a_beginning():
    assert longest_beginning("on the ma", ["mat"]) == 2
    assert longest_beginning("on the ma", ["at", "x"]) == 1
    assert longest_beginning("on the ma", ["maybe", "a"]) == 2
    assert longest_beginning("on the mat ", ["mat"]) == 0


def test_half_a_character_waits_for_the_other_half():
    tokenizer = Tokenizer.from_dir(locate("story"))
    text = StoppedText(tokenizer, ["zzz"])
    ids = tokenizer.encode(" café 🐉")
    given = [text.add(Increment((token,))).text for token in ids]
    assert given == [" ca", "f", "", "é", " ", "", "", "", "🐉"]


def test_an_event_is_one_line_of_json_and_a_blank_line():
    data = frame({"text": "a\nb\r\n猫"})
    assert data.startswith(b"data: ") and data.endswith(b"\n\n")
    assert b"\n" not in data[:-2] and b"\r" not in data
    assert json.loads(data.removeprefix(b"data: ")) == {"text": "a\nb\r\n猫"}


@pytest.mark.parametrize("text", [" the", "\n", "a\n\nb", "", " data: x", "é\n"])
def test_plain_text_comes_back_as_it_was(text):
    lines = text_frame(text).decode().split("\n")
    assert lines[-2:] == ["", ""], "a blank line ends the event"
    assert all(line.startswith("data: ") for line in lines[:-2])
    assert "\n".join(line.removeprefix("data: ") for line in lines[:-2]) == text


def test_a_stream_of_frames_has_no_blank_line_inside_of_a_frame():
    stream = b"".join(frame({"text": text}) for text in ("a", "\n\n", "b"))
    ends = [at for at in range(len(stream)) if stream.startswith(b"\n\n", at)]
    assert len(ends) == 3
    assert all(b - a > 2 for a, b in pairwise(ends))
