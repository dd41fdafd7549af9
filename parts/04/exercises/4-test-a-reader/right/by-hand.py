"""Exercise 4.4: a test for a reader of events. `read` is given to it: a right one, or a wrong one."""

from ruvon.server.frames import PING  # a comment and an empty line, as the server sends it
from ruvon.server.frames import text_frame  # the bytes of one event


def test_a_reader(read):
    """Fails for every reader that breaks one of the six promises."""
    stream = b": x\n\ndata:  a \ndata:\ndata: \xc3\xa9\n: y\ndata:\n\ndata:\n\ndata:x\n\n"
    for size in range(1, len(stream) + 1):
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert list(read(iter(pieces))) == [" a \n\né\n", "", "x"]
    assert not list(read([b"data: lost\n"]))

    def breaks():
        yield b"data: a\n\n"
        raise ConnectionError("asked for more than was needed")

    it = iter(read(breaks()))
    assert next(it) == "a"
