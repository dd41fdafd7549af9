"""A tap: it stands between a client and a server, carries every byte, and remembers what was said.

It changes nothing and answers nothing, so client and server talk to each other as if it were not
there. What went through is taken apart only when it is asked for.
"""

import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

PIECE = 2**16  # bytes read at once


@dataclass(frozen=True)
class Exchange:
    """A request, and the answer it got."""

    method: str
    path: str
    # The fields of the body, if it was a JSON object.
    asked: dict[str, Any]
    status: int
    headers: dict[str, str]
    answer: bytes

    @property
    def ignored(self) -> list[str]:
        """The fields that the server said it ignored."""
        return [name for name in self.headers.get("x-ruvon-ignored", "").split(", ") if name]

    @property
    def error(self) -> str | None:
        """What the server refused, and why."""
        if self.status < 400:
            return None
        try:
            told = json.loads(self.answer)["error"]
            return f"{self.status} {told['param'] or ''}: {told['message']}"
        except (ValueError, KeyError, TypeError):
            return f"{self.status} {self.answer[:200].decode(errors='replace')}"


class Tap:
    """A port of its own, in front of a server at `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        # What each connection sent and got.
        self.connections: list[tuple[bytearray, bytearray]] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        """Take connections until the tap is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near: socket.socket) -> None:
        """One connection, in both directions. A server that is not there closes it at once."""
        sent, got = bytearray(), bytearray()
        self.connections.append((sent, got))
        with near, suppress(OSError), socket.create_connection(self.target) as far:
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=pump, args=(far, near, got), daemon=True)
            back.start()
            pump(near, far, sent)
            back.join()

    def close(self) -> None:
        """Take no more connections: from now on they are refused, as those of an ended server."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self.listener.close()

    def exchanges(self) -> list[Exchange]:
        """All that went through so far, connection by connection."""
        return [one for sent, got in list(self.connections) for one in taken_apart(sent, got)]


def pump(source: socket.socket, sink: socket.socket, copy: bytearray) -> None:
    """Carry bytes until there are no more, and then say so to the other side."""
    with suppress(OSError):
        while piece := source.recv(PIECE):
            copy += piece
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def taken_apart(sent: bytearray, got: bytearray) -> list[Exchange]:
    """The requests and answers of one connection. What was cut off is left out."""
    asking, answering = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
    found: list[Exchange] = []
    asking.receive_data(bytes(sent))
    answering.receive_data(bytes(got))
    with suppress(h11.ProtocolError, Cut):
        while True:
            head, body = message(asking)
            assert isinstance(head, h11.Request)
            answering.send(h11.Request(method=head.method, target=head.target, headers=HOST))
            answering.send(h11.EndOfMessage())
            told, answer = message(answering)
            found.append(
                Exchange(
                    head.method.decode(),
                    head.target.decode(),
                    fields(body),
                    told.status_code,
                    {k.decode(): v.decode("latin-1") for k, v in told.headers},
                    answer,
                )
            )
            asking.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            asking.send(h11.EndOfMessage())
            for one in (asking, answering):
                one.start_next_cycle()
    return found


HOST = [("host", "tap")]  # a request has to name one


class Cut(Exception):
    """The connection ended within a message."""


def message(connection: h11.Connection) -> tuple[Any, bytes]:
    """The head and the whole body of the next message. Raises Cut."""
    head, body = None, b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request | h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return head, body
        elif not isinstance(event, h11.InformationalResponse):
            raise Cut


def fields(body: bytes) -> dict[str, Any]:
    """A JSON object, or nothing."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
