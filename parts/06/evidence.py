"""Part 6: what the article shows of real runs: forty requests at once, and a step in its parts."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ruvon import LLM
from ruvon.engine.backend import Backend
from ruvon.engine.backend import Request

sys.path.insert(0, str(Path(__file__).parent))
from served import Held
from served import Served
from served import ask
from served import chunks
from served import health

if TYPE_CHECKING:
    from ruvon.engine.core import Engine

CROWD = 40
LONG = 200  # new tokens of the first request; each other one wants a single token
MAX_QUEUE = 8


class Clock:
    """A clock that a script sets, so that nobody has to wait for a minute."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def direct(llm: LLM) -> Backend:
    """Part 4's backend, as `ruvon serve` made it until now."""
    from ruvon.engine.direct import Direct

    return Direct(lambda request: llm.run([*request.prompt], request.params, request.choice))


def engine(llm: LLM, clock: Clock) -> Backend:
    """Part 6's, with a short queue."""
    from ruvon.engine.async_engine import AsyncEngine

    return AsyncEngine(llm.new_engine(), max_queue=MAX_QUEUE, clock=clock)


def crowd(llm: LLM) -> dict[str, Any]:
    """Forty requests at a server whose first step does not end; then it does.

    The newest backend that the stage has: without an engine it is Direct.
    """
    held, clock = Held(llm.model), Clock()
    llm.model = held
    new = hasattr(llm, "new_engine")
    backend = engine(llm, clock) if new else direct(llm)
    assert llm.tokenizer is not None
    with Served(backend, llm.tokenizer) as served:
        taken, refused = [], []
        for number in range(CROWD):  # each prompt begins with a token of its own
            body = {"prompt": [300 + number, 267, 262], "stream": True, "ignore_eos": True}
            answer = ask(served.port, **body, max_tokens=1 if number else LONG)
            (taken if answer.status == 200 else refused).append(answer)
            if not number:
                held.stands()
        told = [health(served.port)]
        if new:
            clock.now += 61
            told.append(health(served.port))
        held.let.release(10_000)
        texts = ["".join(chunk["text"] for chunk in chunks(answer)) for answer in taken]
    assert all(texts)
    return {
        "requests": CROWD,
        "long": LONG,
        "max_queue": MAX_QUEUE if new else None,
        "taken": len(taken),
        "refused": len(refused),
        "refusal": json.load(refused[0])["error"]["message"] if refused else "",
        "retry_after": refused[0].getheader("retry-after") if refused else "",
        "health": told,
        "first_after": [held.read[300 + number] for number in range(len(taken))],
    }


def show_crowd(llm: LLM) -> None:
    """What became of forty requests."""
    found = crowd(llm)
    print(f"{CROWD} requests: {found['taken']} are taken, {found['refused']} are refused")
    if found["refused"]:
        print(f"429: {found['refusal']} (Retry-After: {found['retry_after']})")
    say("the first step does not end", found["health"][0])
    for told in found["health"][1:]:
        say("61 s later, on the engine's clock", told)
    first, second, *_ = found["first_after"]
    print(f"number 1 has its first token after step {first}, number 2 after step {second}")


def say(when: str, told: tuple[int, dict[str, Any]]) -> None:
    status, body = told
    print(f"{when}: /health {status}")
    for key, value in body.items():
        print(f"  {key} {value}")


def traced(llm: LLM) -> "Engine":
    """An engine that prints what each part of a step did."""
    from ruvon.engine.core import Engine
    from ruvon.engine.core import Gained
    from ruvon.engine.core import Output
    from ruvon.engine.runner import Computed
    from ruvon.engine.scheduler import Batch

    class Traced(Engine):
        def plan(self) -> Batch:
            batch = super().plan()
            for entry in batch.entries:
                ready = "ready" if entry.ready else "not ready"
                mine = f"{entry.sequence.id}: start {entry.start}, count {entry.count}, {ready}"
                print(f"plan    {mine}; waiting: {', '.join(self.scheduler.waiting) or 'nobody'}")
            return batch

        def launch(self, batch: Batch) -> Computed:
            computed = super().launch(batch)
            [entry] = batch.entries
            places = [*range(entry.start, entry.start + entry.count)]
            tokens = [entry.sequence.ids[place] for place in places]
            print(
                f"launch  tokens {tokens}, positions {places}, samples after row {len(places) - 1}"
            )
            return computed

        def read(self, batch: Batch, computed: Computed) -> list[Gained]:
            gained = super().read(batch, computed)
            print(f"read    {[[*one.ids] for one in gained]}")
            return gained

        def commit(self, batch: Batch, gained: Iterable[Gained]) -> list[Output]:
            outputs = super().commit(batch, gained)
            [entry], [output] = batch.entries, outputs
            sequence, increment = entry.sequence, output.increment
            assert increment is not None
            now = f"{len(sequence.ids)} known, {sequence.computed} computed, {sequence.status}"
            print(f"commit  {sequence.id}: {now}; gives {increment.text!r}")
            return outputs

    old = llm.new_engine()
    return Traced(old.scheduler, old.runner, old.text, context=old.context, eos_id=old.eos_id)


def show_walk(llm: LLM) -> None:
    """Three steps of two requests, each in its four parts, and what was told."""
    from ruvon.sampling.params import SamplingParams

    one = traced(llm)
    told: list[str] = []
    one.subscribers.append(lambda e: told.append(f"{e.kind} {e.request or ''}".strip()))
    params = SamplingParams(max_tokens=2, temperature=0)
    for name, text in (("A", "Once upon a time"), ("B", "One day")):
        one.add(Request(name, tuple(llm.encode(text)), params))
    for number in range(1, 4):
        print(f"step {number}")
        told.clear()
        one.step()
        print(f"told    {', '.join(told)}")


def main() -> None:
    shows = {"crowd": show_crowd, "walk": show_walk}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]](LLM("story", device="cpu", dtype="float32"))


if __name__ == "__main__":
    main()
