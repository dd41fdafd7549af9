"""Part 6: two requests in a table, and the oracle model's sums, with plain numbers."""

import sys
from dataclasses import dataclass
from dataclasses import field
from typing import Any

# (name, tokens of its prompt, new tokens)
REQUESTS = (("A", 3, 2), ("B", 2, 3))


@dataclass
class Plain:
    """A request as one would write it down."""

    name: str
    known: int
    left: int  # new tokens that are still to come
    computed: int = 0


@dataclass
class Row:
    """A line of the table: what a step found, what it computed, what was told."""

    name: str
    known: int
    computed: int
    start: int
    count: int
    waiting: list[str]
    events: list[str] = field(default_factory=list)


def table() -> list[Row]:
    """First come, first served, and one at a time: no engine, a list and four numbers."""
    queue = [Plain(name, prompt, new) for name, prompt, new in REQUESTS]
    running: Plain | None = None
    rows = []
    while queue or running:
        events = []
        if running is None:
            running = queue.pop(0)
            events.append(f"started {running.name}")
        missing = running.known - running.computed
        waiting = [one.name for one in queue]
        row = Row(running.name, running.known, running.computed, running.computed, missing, waiting)
        running.computed += missing
        running.known += 1
        running.left -= 1
        events.append(f"computed {running.name}")
        if not running.left:
            events.append(f"finished {running.name}")
            running = None
        rows.append(row)
        row.events = events
    return rows


def by_the_engine() -> list[list[Any]]:
    """The same requests through the engine. -> of each step, what its events tell."""
    from ruvon.engine.backend import Request
    from ruvon.engine.core import Engine
    from ruvon.engine.events import Event
    from ruvon.engine.strategies import STRATEGIES
    from ruvon.engine.strategies import Options
    from ruvon.engine.text import Text
    from ruvon.models.oracle import OracleModel
    from ruvon.sampling.params import SamplingParams

    told: list[Event] = []
    model = OracleModel(context=16)
    parts = STRATEGIES["sequential"](model, Options(16, "cached"))
    engine = Engine(*parts, lambda _: Text(None), context=16)
    for name, prompt, new in REQUESTS:
        engine.add(Request(name, tuple(range(prompt)), SamplingParams(max_tokens=new)))
    engine.subscribers.append(told.append)
    while engine.busy:
        engine.step()
    mine = [event for event in told if event.kind != "step"]
    return [[event for event in mine if event.step == step] for step in range(engine.steps)]


def show_table() -> None:
    """The table, and whether the engine tells the same."""
    print("step  runs  known  computed  missing  entry   waiting  events")
    rows = table()
    for number, row in enumerate(rows, start=1):
        cells = (
            f"{number:4}",
            f"{row.name:4}",
            f"{row.known:5}",
            f"{row.computed:8}",
            f"{row.known - row.computed:7}",
            f"{f'({row.start}, {row.count})':6}",
            f"{' '.join(row.waiting) or '-':7}",
            ", ".join(row.events),
        )
        print("  ".join(cells))
    told = by_the_engine()
    for row, events in zip(rows, told, strict=True):
        assert row.events == [f"{event.kind} {event.request}" for event in events]
        [numbers] = [event.numbers for event in events if event.kind == "computed"]
        assert (numbers["start"], numbers["tokens"]) == (row.start, row.count)
    print("The engine's events tell the same.")


def show_oracle() -> None:
    """Two tokens, three of the sixteen places, and what a lost token does to the sum."""
    from ruvon.models.oracle import LAYERS
    from ruvon.models.oracle import WIDTH
    from ruvon.models.oracle import oracle_token
    from ruvon.models.oracle import value

    ids, vocabulary = [5, 6], 1000
    print("layer 0             place 0  place 1  place 2")
    columns = [[value(token, at, 0, place) for place in range(3)] for at, token in enumerate(ids)]
    for at, token in enumerate(ids):
        print(f"token {token}, position {at}", *(f"{number:7}  " for number in columns[at]))
    sums = [sum(column) for column in zip(*columns, strict=True)]
    print("their mean         ", *(f"{total / 2:7.1f}  " for total in sums))
    print("twice the mean     ", *(f"{total:7}  " for total in sums))
    digest = 0
    for layer in range(LAYERS):
        for place in range(WIDTH):
            total = sum(value(token, at, layer, place) for at, token in enumerate(ids))
            digest += total * (place + 1) * (layer + 1)
    assert digest % vocabulary == oracle_token(ids, vocabulary)
    told = digest % vocabulary
    print(f"all {LAYERS * WIDTH} sums, weighted: {digest:,}, so the next token is {told}")
    stale = oracle_token([4, 6], vocabulary)
    print(f"with token 4 in the place of 5, it would be {stale}")


if __name__ == "__main__":
    shows = {"table": show_table, "oracle": show_oracle}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]]()
