"""Exercise 4.4: a test for a reader of events. `read` is given to it: a right one, or a wrong one."""

from ruvon.server.frames import PING  # a comment and an empty line, as the server sends it
from ruvon.server.frames import text_frame  # the bytes of one event


def test_a_reader(read):
    """Fails for every reader that breaks one of the six promises."""
    def texts(*pieces):
        return list(read(list(pieces)))

    for text in ("", " ", "  a", "a ", "a\n", "\n\nb", "é"):
        whole = text_frame(text)
        assert texts(whole) == [text]
        assert texts(whole, PING, whole) == [text, text]
        assert texts(PING + whole + whole) == [text, text]
        assert texts(whole[:-1]) == []
        for at in range(1, len(whole)):
            assert texts(whole[:at], whole[at:] + whole) == [text, text]
    assert texts(b"data:x\n\n") == ["x"]

    count = 0

    def stream():
        nonlocal count
        for _ in range(3):
            count += 1
            yield text_frame("a")

    for number, text in enumerate(read(stream()), start=1):
        assert text == "a"
        assert number == count
    assert count == 3
