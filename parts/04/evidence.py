"""Part 4: what the article shows of real requests: who does what, what leaks, what is refused."""

import json
import sys
import threading
import time
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import nullcontext
from pathlib import Path
from textwrap import indent
from typing import Any

from ruvon import LLM
from ruvon.chat_template import PLAIN
from ruvon.chat_template import render
from ruvon.engine import stops
from ruvon.engine.backend import Request
from ruvon.engine.generate import Increment

sys.path.insert(0, str(Path(__file__).parent))
from served import PATIENCE
from served import Served
from served import ask
from served import leave
from served import pieces

PROMPT = "Once upon a time"
LEAVES_AT = 5
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\n' }}"
)


class Traced:
    """A model's run and an app around it, and what each of them does, in order, with the time.

    With `strict`, a step goes on only when it is let: the order is then the same in every run.
    """

    def __init__(self, llm: LLM, strict: bool) -> None:
        self.llm, self.strict = llm, strict
        self.log: list[tuple[float, str, str]] = []
        self.steps = 0
        self.began, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.gone, self.ended = threading.Event(), threading.Event()

    def note(self, who: str, what: str) -> None:
        self.log.append((time.perf_counter(), who, what))

    def run(self, request: Request) -> Generator[Increment, None, None]:
        """What Direct calls in its thread, one `next` a step."""
        steps = self.llm.run([*request.prompt], request.params)
        try:
            while True:
                self.steps += 1
                number = self.steps
                self.note("thread", f"step {number} begins")
                self.began.release()
                if self.strict:
                    assert self.let.acquire(timeout=PATIENCE)
                increment = next(steps)
                self.note("thread", f"step {number} ends: {increment.text!r}")
                yield increment
        finally:
            self.ended.set()

    def around(self, app: Any) -> Any:
        """An ASGI app that notes what comes and what leaves, in the event loop."""

        async def traced(scope: Any, receive: Any, send: Any) -> None:
            self.note("loop", "a request is here")
            chunks = 0

            async def noted_receive() -> Any:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.note("loop", "the client is gone")
                    self.gone.set()
                return message

            async def noted_send(message: Any) -> None:
                nonlocal chunks
                if message.get("body", b"").startswith(b"data: {"):
                    chunks += 1
                    self.note("loop", f"chunk {chunks} leaves")
                await send(message)

            await app(scope, noted_receive, noted_send)

        return traced


def walk(llm: LLM, strict: bool) -> Traced:
    """One request: five chunks are read, and then the client leaves."""
    traced = Traced(llm, strict)
    assert llm.tokenizer is not None
    served = Served(traced.run, llm.tokenizer)
    served.app = traced.around(served.app)
    with served:
        traced.note("client", "asks")
        answer = ask(served.port, prompt=PROMPT, max_tokens=100, stream=True)
        if strict:  # step 1 has begun, and may end
            assert traced.began.acquire(timeout=PATIENCE)
            traced.let.release()
        for number, _ in enumerate(pieces(answer), start=1):
            if strict:  # chunk n is here, and step n + 1 has begun and is not done
                assert traced.began.acquire(timeout=PATIENCE)
            traced.note("client", f"reads chunk {number}")
            if number == LEAVES_AT:
                break
            traced.let.release()
        traced.note("client", "leaves")
        leave(answer)
        assert traced.gone.wait(PATIENCE)
        traced.let.release(100)
        assert traced.ended.wait(PATIENCE)
    return traced


def show_walk(llm: LLM) -> None:
    """Who does what, a line for each."""
    traced = walk(llm, strict=True)
    columns = {"client": 0, "loop": 16, "thread": 36}
    print("client          event loop          thread")
    for _, who, what in traced.log:
        print(" " * columns[who] + what)
    print(f"{traced.steps} steps of 100 were computed")


def nothing(text: str, stop: Sequence[str]) -> int:
    """In the place of `longest_beginning`: the seeded fault."""
    return 0


@contextmanager
def nothing_held() -> Iterator[None]:
    """As long as it lasts, no text is held back."""
    right = stops.longest_beginning
    stops.longest_beginning = nothing
    try:
        yield
    finally:
        stops.longest_beginning = right


def show_leak(llm: LLM) -> None:
    """The same story with stop strings, held back as it should be, and not."""
    for stop in (" girl", "little girl"):
        print(f"stop {stop!r}")
        for name, held in (("right", nullcontext()), ("nothing held back", nothing_held())):
            with held:
                [out] = llm.generate(PROMPT, max_tokens=12, stop=stop)[0].outputs
            print(f"  {name:18} {out.finish_reason:7} {out.text!r}")


def show_refused(llm: LLM) -> None:
    """Bodies that are wrong, and what is said."""
    assert llm.tokenizer is not None
    bodies: list[dict[str, object]] = [
        {"prompt": "Once", "max_tokens": "many"},
        {"prompt": "Once", "stop": ["x"] * 17},
        {"prompt": "Once " * 600},
        {"prompt": "Once", "suffix": "The end."},
        {"prompt": "Once", "model": "gpt-2"},
    ]
    with Served(llm.run, llm.tokenizer) as served:
        for body in bodies:
            answer = ask(served.port, stream=True, **body)
            error = json.load(answer)["error"]
            print(f"{answer.status}  {error['message']}")


def show_chat(llm: LLM) -> None:
    """What two templates make of the same messages."""
    messages = [
        {"role": "system", "content": "Tell short stories."},
        {"role": "user", "content": "About a cat, please."},
    ]
    for name, template in (("plain", PLAIN), ("ChatML", CHATML)):
        print(name)
        print(indent(render(template, messages), "    "), end="")


def main() -> None:
    shows = {"walk": show_walk, "leak": show_leak, "refused": show_refused, "chat": show_chat}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]](LLM("story", device="cpu", dtype="float32"))


if __name__ == "__main__":
    main()
