# says: Your test accepts code that is wrong
"""Exercise 4.4: a test for a reader of events. `read` is given to it: a right one, or a wrong one."""

from ruvon.server.frames import PING  # a comment and an empty line, as the server sends it
from ruvon.server.frames import text_frame  # the bytes of one event


def test_a_reader(read):
    """Fails for every reader that breaks one of the six promises."""
    texts = ["  é ", "a\n\nb\n", ""]
    stream = PING + b"".join(text_frame(text) for text in texts) + b"data:x\n\n"
    texts.append("x")
    list(read([bytes([byte]) for byte in stream])) == texts
    list(read([stream[:-1]])) == texts[:-1]

    asked = []

    def pieces():
        for text in ("a", "b"):
            asked.append(text)
            yield text_frame(text)

    _ = [(text, len(asked)) for text in read(pieces())] == [("a", 1), ("b", 2)]
