"""What is kept of a conversation, and what is forgotten when it gets too long."""

from contextlib import closing

import pytest

from ruvon.client.conversation import Conversation
from ruvon.client.conversation import TooLong
from ruvon.client.conversation import room
from ruvon.errors import RuvonError


class Counted:
    """Answers with the number of characters it was given; takes so many."""

    def __init__(self, limit=10_000, tells=True):
        self.limit, self.tells = limit, tells
        self.given = []
        self.closed = 0

    def answer(self, messages):
        text = "".join(message["content"] for message in messages)
        if len(text) > self.limit:
            raise TooLong("too long")
        self.given.append(messages)
        try:
            if "fail" in messages[-1]["content"]:
                yield "but "
                raise RuvonError("broken")
            yield from f"{len(text)} it is"
        finally:
            self.closed += 1

    def fits(self, messages):
        size = sum(len(message["content"]) for message in messages)
        return not self.tells or size <= self.limit


@pytest.fixture
def notes():
    return []


def test_all_that_was_said_is_sent(notes):
    source = Counted()
    conversation = Conversation(source, notes.append, "Be brief.")
    assert "".join(conversation.say("one")) == "12 it is"
    "".join(conversation.say("two"))
    roles = [message["role"] for message in source.given[-1]]
    assert roles == ["system", "user", "assistant", "user"]
    assert [message["content"] for message in source.given[-1][1:3]] == ["one", "12 it is"]
    conversation.forget()
    "".join(conversation.say("three"))
    assert [message["content"] for message in source.given[-1]] == ["Be brief.", "three"]
    assert not notes


@pytest.mark.parametrize("tells", [True, False], ids=["asked before", "refused"])
def test_the_oldest_turn_goes_when_there_is_no_room(notes, tells):
    source = Counted(limit=30, tells=tells)
    conversation = Conversation(source, notes.append, "s")
    "".join(conversation.say("a" * 10))  # 11 and then 8 more
    "".join(conversation.say("b" * 10))  # 29 and then 8 more
    assert not notes
    "".join(conversation.say("c" * 10))
    assert [message["content"] for message in source.given[-1]] == [
        "s",
        "b" * 10,
        "29 it is",
        "c" * 10,
    ]
    assert notes == ["the context is over: the oldest turn is forgotten"]


def test_a_text_that_never_fits_is_an_error_and_not_kept(notes):
    conversation = Conversation(Counted(limit=30), notes.append, None)
    "".join(conversation.say("a"))
    with pytest.raises(TooLong):
        "".join(conversation.say("b" * 31))
    assert [message["content"] for message in conversation.turns] == []


def test_who_stops_listening_ends_the_answer_and_keeps_what_came(notes):
    source = Counted()
    conversation = Conversation(source, notes.append, None)
    with closing(conversation.say("one")) as pieces:
        assert next(pieces) + next(pieces) == "3 "
    assert source.closed == 1
    assert conversation.turns[-1] == {"role": "assistant", "content": "3 "}


def test_who_stops_before_the_first_piece_has_said_nothing(notes):
    class Interrupted(Counted):
        def answer(self, messages):
            raise KeyboardInterrupt
            yield

    conversation = Conversation(Interrupted(), notes.append, None)
    with pytest.raises(KeyboardInterrupt):
        next(conversation.say("one"))
    assert conversation.turns == []


def test_what_came_before_a_failure_is_kept(notes):
    conversation = Conversation(Counted(), notes.append, None)
    with pytest.raises(RuvonError, match="broken"):
        "".join(conversation.say("fail"))
    assert conversation.turns[-1] == {"role": "assistant", "content": "but "}


def test_room_for_an_answer_is_not_most_of_the_context():
    assert room(1024, 200) == 200
    assert room(400, 200) == 100
