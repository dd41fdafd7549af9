"""Part 4 · Server-sent events, as bytes: one frame an event, a blank line between them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import json
from typing import Any

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
DONE = b"data: [DONE]\n\n"
# For the description of the API: an answer that may be events instead of JSON.
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
# A comment. It keeps a connection open that has been silent for long.
PING = b": ping\n\n"


def frame(value: Any) -> bytes:
    """An event whose data is JSON, which has no line break of its own."""
    return b"data: " + json_bytes(value) + b"\n\n"


def json_bytes(value: Any) -> bytes:
    """JSON without blanks, and with every character as itself.

    A lone surrogate cannot be written as UTF-8, so a text that has one is escaped.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def text_frame(text: str, event: str = "") -> bytes:
    """An event whose data is plain text: a line of data for each line of it.

    A reader takes one blank off after the colon and joins the lines again, so any text comes back
    as it was. A carriage return ends a line too, and cannot be sent in another way than as one.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = f"event: {event}\n" if event else ""
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode("utf-8", "replace")
