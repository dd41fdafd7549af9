"""Exercise 4.4: a test for a reader of events. `read` is given to it: a right one, or a wrong one."""

from ruvon.server.frames import PING  # a comment and an empty line, as the server sends it
from ruvon.server.frames import text_frame  # the bytes of one event


def test_a_reader(read):
    """Fails for every reader that breaks one of the six promises.

    `list(read([PING, text_frame("a")]))` should be ["a"].
    """
    raise NotImplementedError("exercise 4.4: write this body")
