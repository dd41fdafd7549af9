"""Part 4: a story over HTTP: whole and as it is made, stopped by a text, and left by its client."""

import json
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ruvon import LLM
from ruvon.course.expected import check_expected
from ruvon.engine.backend import Request
from ruvon.engine.generate import Increment

sys.path.insert(0, str(Path(__file__).parent))
from served import PATIENCE
from served import Served
from served import ask
from served import events
from served import leave
from served import pieces

PROMPT = "Once upon a time, there was a little girl named Lily. She"
NEW = 64
LEAVES_AT = 5
console = Console(highlight=False)


class Watched:
    """A model's run that writes down every step, and lets steps go one by one when it is told."""

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        self.ids: dict[str, list[int]] = {}  # of each request, in the order in which they ran
        self.one_by_one = False
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def run(self, request: Request) -> Generator[Increment, None, None]:
        made = self.ids[request.id] = []
        steps = self.llm.run([*request.prompt], request.params)
        try:
            while True:
                self.begun.release()
                if self.one_by_one:
                    assert self.let.acquire(timeout=PATIENCE)
                increment = next(steps, None)
                if increment is None:
                    return
                made.extend(increment.ids)
                yield increment
        finally:
            self.ended.release()

    def wait(self) -> list[int]:
        """The ids of the request that ended last."""
        assert self.ended.acquire(timeout=PATIENCE)
        return list(self.ids.values())[-1]


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def show_text(text: str) -> None:
    console.print(Padding(Text(f"...{text}".replace("\n", " "), style="cyan"), (0, 2)))


def whole_and_streamed(served: Served, watched: Watched) -> tuple[list[int], str, list[str]]:
    """The same request twice. -> the ids, the text, the pieces."""
    asked = {"prompt": PROMPT, "max_tokens": NEW}
    ask(served.port, **asked).read()  # a warm-up
    watched.wait()
    began = time.perf_counter()
    whole = json.load(ask(served.port, **asked))["choices"][0]["text"]
    waited = time.perf_counter() - began
    ids = watched.wait()
    console.print(f"  whole:    nothing for {waited * 1e3:.0f} ms, then all of it")

    began = time.perf_counter()
    came = list(pieces(ask(served.port, **asked, stream=True)))
    assert watched.wait() == ids, "a stream must not change a token"
    texts = [text for _, text, _ in came]
    assert "".join(texts) == whole, "the chunks make up the answer"
    milliseconds = [1e3 * (at - began) for at, _, _ in came]
    console.print(f"  streamed: the first text after {milliseconds[0]:.0f} ms, and then")
    for at, text in list(zip(milliseconds, texts, strict=True))[:6]:
        bar = "." * round(at / milliseconds[-1] * (console.width - 34))
        console.print(f"  {at:6.0f} ms [dim]{bar}[/]", Text(repr(text), style="cyan"))
    console.print(f"  {milliseconds[-1]:6.0f} ms the last of {len(texts)} chunks")
    show_text(whole)
    return ids, whole, texts


def stopped(served: Served, watched: Watched, stop: str) -> list[str]:
    """What leaves when a stop string is spread over tokens. -> the pieces."""
    came = list(pieces(ask(served.port, prompt=PROMPT, max_tokens=NEW, stop=stop, stream=True)))
    ids = watched.wait()
    tokens = " ".join(repr(watched.llm.tokenizer.decode([one])) for one in ids)
    console.print("  tokens:", Text(tokens, style="dim"))
    console.print("  chunks:", Text(" ".join(repr(text) for _, text, _ in came), style="cyan"))
    console.print(f"  reason: {came[-1][2]}, after {len(ids)} of {NEW} tokens")
    return [text for _, text, _ in came]


def left(served: Served, watched: Watched) -> int:
    """A client that leaves after five chunks. -> how many steps were computed for it."""
    watched.one_by_one, watched.begun = True, threading.Semaphore(0)
    answer = ask(served.port, prompt=PROMPT, max_tokens=400, stream=True)
    watched.let.release(LEAVES_AT)
    came = pieces(answer)
    for _ in range(LEAVES_AT):
        next(came)
    for _ in range(LEAVES_AT + 1):  # the sixth step has begun, and is not done
        assert watched.begun.acquire(timeout=PATIENCE)
    leave(answer)
    while served.backend.progress().running:  # the server sees it meanwhile
        time.sleep(0.01)
    watched.let.release(1000)
    steps = len(watched.wait())
    watched.one_by_one = False
    console.print(f"  {LEAVES_AT} chunks were read, then the connection was closed.")
    console.print(f"  {steps} of 400 steps were computed: one was under way.")
    return steps


def refused(served: Served) -> list[int]:
    """What is wrong is said before the first byte of a stream. -> the statuses."""
    bodies = [{"max_tokens": 5}, {"prompt": "Once", "max_tokens": "many"}, {"prompt": "a " * 900}]
    answers = [ask(served.port, **body, stream=True) for body in bodies]
    for answer in answers:
        console.print(f"  {answer.status}", Text(json.load(answer)["error"]["message"]))
    return [answer.status for answer in answers]


def chat(served: Served, watched: Watched) -> list[str]:
    """The first events of a chat. -> the fields that the message gains."""
    asked = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 2}
    made = []
    for data in events(ask(served.port, "/v1/chat/completions", **asked, stream=True)):
        if data == "[DONE]":
            console.print(f"  {data}")
            break
        [choice] = json.loads(data)["choices"]
        made += [*choice["delta"]]
        ends = f"   finish_reason {choice['finish_reason']}" if choice["finish_reason"] else ""
        console.print("  delta", Text(json.dumps(choice["delta"]), style="cyan"), ends)
    watched.wait()
    return made


def main() -> None:
    watched = Watched(LLM("story", device="cpu", dtype="float32"))
    with Served(watched.run, watched.llm.tokenizer) as served:
        console.print(f"\nA server is listening on port {served.port}.", style="dim")
        question = "Predict: how long until the first text, whole and streamed?"
        console.print(question, style="dim")
        heading(f"1. {NEW} tokens, whole and streamed")
        ids, text, texts = whole_and_streamed(served, watched)
        heading("2. Stop at ' toys and': held back until it is sure")
        ends = stopped(served, watched, " toys and")
        heading("3. A client that leaves")
        steps = left(served, watched)
        heading("4. What is wrong is refused before the first byte")
        statuses = refused(served)
        heading("5. A chat: messages in, events out")
        fields = chat(served, watched)
    console.print()
    check_expected(
        {
            "ids": ids,
            "text": text,
            "chunks": len(texts),
            "stopped_chunks": ends,
            "steps_of_who_left": steps,
            "refused": statuses,
            "chat": fields,
        }
    )


if __name__ == "__main__":
    main()
