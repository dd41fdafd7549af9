"""Part 6: requests that wait for each other, step by step; who is cancelled, and who is refused."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ruvon import LLM
from ruvon.course.expected import check_expected
from ruvon.engine.async_engine import AsyncEngine
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.sampling.params import SamplingParams

sys.path.insert(0, str(Path(__file__).parent))
from served import Held
from served import Served
from served import ask
from served import chunks
from served import health

# (name, prompt, new tokens)
STORIES = (
    ("A", "Once upon a time", 6),
    ("B", "One day, a big dog", 3),
    ("C", "The cat sat on", 4),
)
BEFORE = (1, 10, 50, 100)  # tokens of the request that runs when a short one comes
console = Console(highlight=False)


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def request(llm: LLM, name: str, prompt: str, new: int) -> Request:
    params = SamplingParams(max_tokens=new, temperature=0, ignore_eos=True)
    return Request(name, tuple(llm.encode(prompt)), params)


def draw(rows: dict[str, str]) -> None:
    """The timeline, a line a request, a column a step."""
    colors = {"w": "dim", "P": "yellow", "d": "cyan", "x": "red"}
    for name, marks in rows.items():
        text = Text(f"  {name}  ")
        for mark in marks:
            text.append("·" if mark == "w" else mark, style=colors.get(mark, ""))
        console.print(text)


def run(engine: Engine, names: str, cancel: dict[int, str] | None = None) -> tuple[dict, dict]:
    """Step until nothing is left. -> the ids of each request, and its marks, one a step.

    w it waits, P its prompt is computed, d a token is, x it was cancelled before this step.
    """
    ids: dict[str, list[int]] = {name: [] for name in names}
    rows = dict.fromkeys(names, "")
    spans: dict[str, float] = {}
    over: set[str] = set()
    engine.subscribers.append(
        lambda e: spans.update({str(e.request): e.numbers["start"]}) if e.kind == "computed" else 0
    )
    while engine.busy:
        gone = (cancel or {}).get(engine.steps)
        if gone:
            engine.cancel(gone)
            over.add(gone)
            rows[gone] += "x"
        spans.clear()
        outputs = engine.step()
        for name in names:
            if name in spans:
                rows[name] += "d" if spans[name] else "P"
            elif name not in over:
                rows[name] += "w"
        for output in outputs:
            assert output.increment is not None
            ids[output.id] += output.increment.ids
            if output.increment.finish_reason:
                over.add(output.id)
    return ids, rows


def three(llm: LLM, cancel: dict[int, str] | None = None) -> tuple[dict, dict, int]:
    """The three stories, all there before the first step."""
    engine = llm.new_engine()
    for story in STORIES:
        engine.add(request(llm, *story))
    ids, rows = run(engine, "ABC", cancel)
    draw(rows)
    return ids, rows, engine.steps


def behind(llm: LLM) -> dict[int, int]:
    """How many steps until a short request has its first token, which came behind a long one."""
    found = {}
    for new in BEFORE:
        engine = llm.new_engine()
        engine.add(request(llm, "long", "Once upon a time", new + 1))
        engine.step()  # it runs, and `new` tokens are still to come
        engine.add(request(llm, "short", "One day", 1))
        first, came = 0, engine.steps
        while engine.busy:
            for output in engine.step():
                if output.id == "short":
                    first = engine.steps - came
        bar = "·" * round(first * (console.width - 44) / (BEFORE[-1] + 1))
        console.print(f"  {new:3} tokens to come: after {first:3} steps [dim]{bar}[/][green]●[/]")
        found[new] = first
    return found


def refused(llm: LLM) -> tuple[list[int], str]:
    """Five requests at once, and a queue of two. -> the statuses, and what health says."""
    held = Held(llm.model)
    llm.model = held
    assert llm.tokenizer is not None
    with Served(AsyncEngine(llm.new_engine(), max_queue=2), llm.tokenizer) as served:
        answers = []
        for _ in range(5):
            body = {"prompt": "One day", "max_tokens": 4, "temperature": 0, "stream": True}
            answers.append(ask(served.port, **body))
            if len(answers) == 1:
                held.stands()  # the first one runs, and its step waits
        status, told = health(served.port)
        for number, answer in enumerate(answers, start=1):
            said = ""
            if answer.status == 429:
                said = json.load(answer)["error"]["message"]
                said += f" (Retry-After: {answer.getheader('retry-after')})"
            console.print(f"  {number}  {answer.status}  {said}", soft_wrap=True)
        console.print(f"  /health {status} {json.dumps(told)}")
        held.let.release(1000)
        texts = {"".join(c["text"] for c in chunks(a)) for a in answers if a.status == 200}
    assert len(texts) == 1, "the same prompt, the same text, whoever waited"
    console.print("  those that were taken:", Text(repr(texts.pop()), style="cyan"))
    return [answer.status for answer in answers], f"{told['running']} {told['waiting']}"


def main() -> None:
    llm = LLM("story", device="cpu", dtype="float32")
    assert llm.tokenizer is not None
    heading("1. Three requests, one after the other")
    console.print("  a column a step: · waits, [yellow]P[/] its prompt, [cyan]d[/] a token of it")
    ids, rows, steps = three(llm)
    for name, prompt, _ in STORIES:
        console.print(f"  {name}:", Text(prompt + llm.tokenizer.decode(ids[name]), style="cyan"))
    alone = {s[0]: run_alone(llm, s) for s in STORIES}
    assert ids == alone, "who waits before it must not change a token"
    console.print(f"  {steps} steps, and every text is as if it had been alone.")

    heading("2. B is cancelled in the queue, A while it runs")
    left, cancelled_rows, cancelled_steps = three(llm, {2: "B", 4: "A"})
    assert left["C"] == ids["C"], "who is cancelled leaves nothing behind"
    console.print(f"  {cancelled_steps} steps, and C's text is the same.")

    heading("3. A short request behind a long one: steps to its first token")
    console.print("  Predict: what is it behind 100 tokens? Alone it is 1.", style="dim")
    waits = behind(llm)

    heading("4. Five requests, a queue of two: who is refused?")
    statuses, told = refused(llm)
    console.print()
    check_expected(
        {
            "ids": [ids[name] for name in "ABC"],
            "timeline": [rows[name] for name in "ABC"],
            "steps": steps,
            "cancelled_timeline": [cancelled_rows[name] for name in "ABC"],
            "cancelled_steps": cancelled_steps,
            "first_after_steps": [waits[new] for new in BEFORE],
            "statuses": statuses,
            "running_and_waiting": told,
        }
    )


def run_alone(llm: LLM, story: tuple[str, str, int]) -> list[int]:
    """The ids of a story that has an engine for itself."""
    engine = llm.new_engine()
    engine.add(request(llm, *story))
    return run(engine, story[0])[0][story[0]]


if __name__ == "__main__":
    main()
