"""Part 6: thirty clients at once, for a minute, against `ruvon serve`."""

import json
import random
import threading
import time
from collections import Counter
from http.client import HTTPConnection

from served import PATH
from served import PATIENCE

BEGINNINGS = (
    "Once upon a time",
    "One day, a big dog",
    "Tom and Sue were friends. They liked to",
    "In the forest there was a small bird who",
    "It was raining, and Ben",
    "The cat sat on",
)
LENGTHS = (1, 4, 16, 32)
LEAVES_AT = 2  # chunks that are read by one who does not stay


class Client(threading.Thread):
    """Asks again when the last answer is there, and holds each answer to what is known."""

    def __init__(self, port: int, number: int, known: dict[tuple[str, int], str], until: float):
        super().__init__()
        self.port, self.known, self.until = port, known, until
        self.draw = random.Random(number)
        self.seen: Counter[str] = Counter()
        self.tokens = 0
        self.waits: list[float] = []  # seconds to the first text
        self.errors: list[str] = []

    def run(self) -> None:
        while time.perf_counter() < self.until:
            kind = self.draw.choices(("whole", "streamed", "leaves"), (4, 5, 1))[0]
            prompt, most = self.draw.choice(BEGINNINGS), self.draw.choice(LENGTHS)
            try:
                text = self.ask(kind, prompt, most)
                if kind != "leaves" and text != self.known[prompt, most]:
                    raise AssertionError(f"{prompt!r} for {most} tokens became {text!r}")
                self.seen[kind] += 1
                self.tokens += most if kind != "leaves" else 0
            except Exception as error:
                self.errors.append(f"{kind}: {error!r}")

    def ask(self, kind: str, prompt: str, most: int) -> str:
        """-> the text, or as much of it as was read."""
        stream = kind != "whole"
        body = {"prompt": prompt, "max_tokens": most, "temperature": 0, "stream": stream}
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", PATH, json.dumps(body | {"ignore_eos": True}), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise AssertionError(f"status {answer.status}: {answer.read()!r}")
        if not stream:
            text = json.load(answer)["choices"][0]["text"]
            connection.close()
            return str(text)
        pieces, done = [], False
        for line in answer:
            if line == b"data: [DONE]\n":
                done = True
            elif line.startswith(b"data: "):
                data = json.loads(line.removeprefix(b"data: "))
                if "error" in data:
                    raise AssertionError(data["error"]["message"])
                if not pieces:
                    self.waits.append(time.perf_counter() - began)
                pieces.append(data["choices"][0]["text"])
            if kind == "leaves" and len(pieces) == LEAVES_AT:
                break
        connection.close()
        if kind != "leaves" and not done:
            raise AssertionError("the stream ended without [DONE]")
        return "".join(pieces)


def soak(
    port: int, clients: int, seconds: float, known: dict[tuple[str, int], str]
) -> list[Client]:
    """Run them all, and wait for the last answer of each."""
    until = time.perf_counter() + seconds
    all_of_them = [Client(port, number, known, until) for number in range(clients)]
    for one in all_of_them:
        one.start()
    for one in all_of_them:
        one.join()
    return all_of_them
