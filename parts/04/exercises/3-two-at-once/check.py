"""Stories of clients that come and leave, with a thread whose steps end when it is said."""

import asyncio
import functools
from collections import deque
from concurrent.futures import Future
from contextlib import aclosing
from contextlib import suppress
from dataclasses import dataclass

END = "a step ends"
# A client asks for so many steps. One that stalls reads the next increment, and then nothing.
STORIES = (
    ["A asks for 2", END, END],
    ["A asks for 2", "B asks for 1", END, END, END],
    ["A asks for 9", "B asks for 1", END, "A leaves", END, END],
    ["A asks for 9", END, "B asks for 9", "C asks for 9", "B leaves", END, END, END],
    ["A asks for 1", "B asks for 9", "B leaves", "C asks for 2", END, END, END],
    ["A asks for 9", "B asks for 9", "C asks for 2", "B leaves", "A leaves", END, END, END],
    ["A asks for 1", "B asks for 1", "C asks for 1", END, END, END],
    ["A asks for 9", "B asks for 9", "B leaves", "B asks for 1", "A leaves", END, END],
    ["A asks for 9", END, "A leaves", "A asks for 1", END, END],
    ["A asks for 9", "A stalls", "B asks for 1", END, "A leaves", END],
    ["A asks for 9", "A stalls", END, "B asks for 9", "C asks for 1", "B leaves", "A leaves", END],
    ["A asks for 9", "B asks for 2", "A is cancelled", END, END, END],
    ["A asks for 9", "B asks for 9", "C asks for 1", "B is cancelled", END, "A leaves", END, END],
    ["A fails at 2", "B asks for 1", END, END, END],
    ["A asks for 9", "B asks for 9", "C asks for 9", "C leaves", "B leaves", "A leaves", END],
)


def check(exam):
    for story in STORIES:
        asyncio.run(play(exam, story))


async def play(exam, story):
    """Tell a story up to the first moment that is not as it should be."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    with exam.case("what happens, and what is so after it") as case:
        world, paper = World(), Paper()
        try:
            for happens in story:
                told = list(case.inputs)
                case.inputs.append((happens, ""))
                await world.happens(happens)
                paper.happens(happens)
                compare(exam, world, paper)
                case.inputs = [*told, (happens, paper.told())]
        finally:
            await world.end()


def compare(exam, world, paper):
    """What is so, and what should be."""
    world.raise_again()
    seen = {"expected": Line(paper.told()), "got": Line(world.told())}
    running, waiting, _ = world.counts()
    may_run, may_wait, _ = paper.counts()
    exam.need(
        running <= 1,
        "Two run at once. Somebody gave a turn back that it did not have.",
        **seen,
    )
    exam.need(
        not world.slow, "Who leaves has to wait. It must not, for no step and no turn.", **seen
    )
    exam.need(
        running or not may_run,
        "Nobody has the turn, and somebody waits for it. It was not given back."
        if paper.turns > 1
        else "The first one does not get its turn.",
        **seen,
    )
    exam.need(
        world.under_way() == paper.under_way(),
        "Not this step should be under way. One runs at a time, in the order in which they came.",
        **seen,
    )
    exam.need(waiting >= may_wait, "Somebody waits, and is not counted.", **seen)
    exam.need(waiting <= may_wait, "Somebody has left, and is still counted.", **seen)
    exam.need(world.counts() == paper.counts(), "`progress()` is wrong.", **seen)
    exam.need(
        world.open() == paper.open(),
        "A run is closed when its request ends, behind the step under way. Otherwise it stays in "
        "memory, with its cache.",
        expected=Line(paper.open() or "none is open"),
        got=Line(world.open() or "none is open"),
    )
    exam.need(
        world.read() == paper.read(),
        "A client has to get one increment for each of its steps, and each once.",
        expected=paper.read(),
        got=world.read(),
    )


class Line(str):
    """A text that is shown without quotes."""

    def __repr__(self):
        return str(self)


class Told:
    """What is so now, as a line."""

    def told(self):
        running, waiting, _ = self.counts()
        step = f"{self.under_way()} is under way" if self.under_way() else "no step"
        return f"{step}; running {running}, waiting {waiting}"


@dataclass(eq=False)
class Client:
    """One request on paper."""

    name: str
    steps: int
    fails: bool
    stalls: bool = False
    cancelled: bool = False
    done: int = 0


class Paper(Told):
    """A line of clients, of whom the first has the turn, and the steps that the thread has."""

    def __init__(self):
        self.all, self.line, self.thread = [], [], []
        self.turns = 0

    def happens(self, happens):
        name, what, *rest = happens.split()
        mine = [client for client in self.line if client.name == name]
        if happens == END:
            self.step_ends()
        elif what in ("asks", "fails"):
            self.line.append(Client(name, int(rest[-1]), what == "fails"))
            self.all.append(self.line[-1])
        elif what == "leaves":
            self.line.remove(mine[0])
            # The step under way cannot be broken off. One that has not begun never will.
            self.thread[1:] = [client for client in self.thread[1:] if client is not mine[0]]
        elif what == "stalls":
            mine[0].stalls = True
        else:
            mine[0].cancelled = True
        self.next_step()

    def next_step(self):
        """Whoever is first wants a step, if it does not have one already."""
        while self.line:
            first = self.line[0]
            if first in self.thread:
                return
            if not first.cancelled and not (first.stalls and first.done):
                self.turns += not first.done
                self.thread.append(first)
                return
            if not first.cancelled:
                return
            self.line.pop(0)

    def step_ends(self):
        client = self.thread.pop(0)
        if client not in self.line:
            return
        client.done += 1
        last = client.done == client.steps
        if last and client.fails:
            client.done -= 1
        if last:
            self.line.remove(client)

    def under_way(self):
        return f"{self.thread[0].name}{self.thread[0].done + 1}" if self.thread else ""

    def counts(self):
        """Running, waiting, steps."""
        steps = sum(client.done for client in self.all)
        return min(len(self.line), 1), max(len(self.line) - 1, 0), steps

    def open(self):
        """Whose runs are open: the first one's, and that of a step that ends for nobody."""
        return " ".join(sorted(client.name for client in {*self.thread[:1], *self.line[:1]}))

    def read(self):
        return {client.name: client.done for client in self.all}


class Broken(Exception):
    """A step that fails."""


class Steps:
    """A run: an iterator that says which step it took."""

    def __init__(self, name, steps, fails):
        self.name, self.steps, self.fails = name, steps, fails
        self.taken = 0
        self.begun = self.over = self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        from ruvon.engine.generate import Increment

        if self.at_the_end():
            raise StopIteration
        self.taken += 1
        last = self.taken == self.steps
        if last and self.fails:
            self.over = True
            raise Broken
        return Increment((self.taken,), "length" if last else None)

    def at_the_end(self):
        return self.over or self.taken == self.steps

    def close(self):
        self.over = self.closed = True


class Thread:
    """In the place of the thread pool. A step is under way until `step_ends`."""

    def __init__(self):
        self.jobs, self.now = deque(), None

    def submit(self, call, *arguments):
        job = Future(), call, arguments
        self.jobs.append(job)
        self.go_on()
        return job[0]

    def go_on(self):
        """Begin what is next. What is no step takes no time."""
        while self.now is None and self.jobs:
            job = self.jobs.popleft()
            if not job[0].set_running_or_notify_cancel():
                continue
            self.now = job
            steps = steps_of(job)
            if steps is None or steps.at_the_end():
                self.work()
            else:
                steps.begun = True

    def work(self):
        (future, call, arguments), self.now = self.now, None
        try:
            future.set_result(call(*arguments))
        except Exception as error:
            future.set_exception(error)

    def step_ends(self):
        if self.now:
            self.work()
            self.go_on()

    def shutdown(self, *given, **named):
        """There is no thread to end."""


def steps_of(job):
    """The run of which a job takes a step; None if it does something else."""
    _, call, arguments = job
    if getattr(call, "__name__", "") == "close":
        return None
    if isinstance(call, functools.partial):
        arguments = (*call.args, *arguments)
    cells = [cell.cell_contents for cell in getattr(call, "__closure__", None) or ()]
    found = [value for value in (*arguments, *cells) if isinstance(value, Steps)]
    return found[0] if found else getattr(call, "__self__", None)


class World(Told):
    """The learner's Direct, with clients that read."""

    def __init__(self):
        from ruvon.engine.direct import Direct

        self.runs, self.clients, self.got, self.stalled = [], {}, {}, set()
        self.tasks, self.slow, self.wanted, self.cancelled = [], "", {}, set()
        self.direct = Direct(self.run)
        self.direct.thread.shutdown()
        self.direct.thread = Thread()

    def run(self, request):
        self.runs.append(Steps(request.id, *self.wanted[request.id]))
        return self.runs[-1]

    async def read_on(self, name):
        """One client, which reads until the end."""
        from ruvon.engine.backend import Request
        from ruvon.sampling.params import SamplingParams

        stream = self.direct.submit(Request(name, (1,), SamplingParams()))
        with suppress(Broken):
            async with aclosing(stream):
                async for _ in stream:
                    self.got[name] += 1
                    if name in self.stalled:
                        await asyncio.Event().wait()

    async def happens(self, happens):
        name, what, *rest = happens.split()
        if happens == END:
            self.direct.thread.step_ends()
        elif what in ("asks", "fails"):
            self.wanted[name] = int(rest[-1]), what == "fails"
            self.got[name] = 0
            self.stalled.discard(name)
            self.clients[name] = asyncio.create_task(self.read_on(name))
            self.tasks.append(self.clients[name])
        elif what == "leaves":
            self.clients[name].cancel()
        elif what == "stalls":
            self.stalled.add(name)
        else:
            self.cancelled.add(name)
            self.direct.cancel(name)
        await settle()
        if what == "leaves" and not self.clients[name].done():
            self.slow = name

    def raise_again(self):
        """What the learner's code raised in a client's task."""
        for task in self.tasks:
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()

    def under_way(self):
        job = self.direct.thread.now
        steps = steps_of(job) if job else None
        return f"{steps.name}{steps.taken + 1}" if steps else ""

    def counts(self):
        progress = self.direct.progress()
        return progress.running, progress.waiting, progress.steps

    def open(self):
        """Whose runs are open. One that was cancelled before its first step need not be closed."""
        left = [run for run in self.runs if run.begun or run.name not in self.cancelled]
        return " ".join(sorted(run.name for run in left if not run.closed))

    def read(self):
        return dict(self.got)

    async def end(self):
        """Everybody leaves, so that nothing of this story is left."""
        for task in self.tasks:
            task.cancel()
        await settle()
        while self.direct.thread.now:
            self.direct.thread.step_ends()
            await settle()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settle():
    """Let the event loop do all that can be done now."""
    for _ in range(30):
        await asyncio.sleep(0)
