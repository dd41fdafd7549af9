"""An AsyncEngine whose thread never starts: its lock plays the part of the callers."""

import asyncio
import sys
import threading
from collections import deque

from checking import Failed
from checking import original

PATIENCE = 5  # seconds until an answer that never comes is given up


def check(exam):
    restore()
    check_deliver(exam)
    check_obey(exam)
    if not exam.failures:
        with exam.case("a real thread: three requests, of which one is cancelled"):
            asyncio.run(check_whole(exam))


def restore():
    """The engine's own modules, whatever other exercises have opened in the learner's folder."""
    from ruvon.engine import async_engine

    for name in ("engine/sequence", "engine/scheduler", "memory/single", "engine/core"):
        sys.modules[f"ruvon.{name.replace('/', '.')}"] = original(f"ruvon/{name}.py", part=6)
    core = sys.modules["ruvon.engine.core"]
    async_engine.Engine, async_engine.Output = core.Engine, core.Output


class Lock:
    """In the place of the condition. Nobody else has it: a wait ends with what others do then."""

    def __init__(self, exam, while_waiting):
        self.exam, self.then = exam, deque(while_waiting)
        self.held, self.waits = 0, 0

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()

    def acquire(self, *given, **named):
        self.held += 1
        return True

    def release(self):
        self.held -= 1

    def wait(self, timeout=None):
        need = self.exam.need
        need(self.held, "It waits without the lock. Take it first: `with self.wake:`.")
        need(timeout is None, "It waits with a timeout, so an idle engine wakes for nothing.")
        need(self.then, "It waits, and there is something to do. Nobody will wake it.")
        self.waits += 1
        self.then.popleft()()
        return True

    def wait_for(self, predicate, timeout=None):
        while not (found := predicate()):
            self.wait(timeout)
        return found

    def notify(self, *given):
        """Nobody waits."""

    notify_all = notify


class Inbox(deque):
    """Whoever touches it must have the lock."""

    engine = None

    def touched(self):
        # One that was taken out, and another put in its place, is nobody else's any more.
        if self.engine and self.engine.inbox is self and not self.engine.wake.held:
            raise Failed(
                "The inbox is touched without the lock. A caller may put something in just now."
            )


def watched(name):
    def method(self, *given, **named):
        self.touched()
        return getattr(deque, name)(self, *given, **named)

    return method


for _name in (
    *("__iter__", "__len__", "__getitem__", "popleft", "pop", "clear", "copy", "append"),
    *("extend", "remove", "__delitem__", "__contains__"),
):
    setattr(Inbox, _name, watched(_name))


class Idle:
    """An engine that computes when it is told that it has something to do."""

    def __init__(self, busy):
        self.busy = busy

    def step(self):
        raise Failed("`obey` is called before a step. The step itself is not its business.")


def new_engine(exam, asked=(), busy=False, closing=False, while_waiting=()):
    """An AsyncEngine as `__init__` leaves it, but for the thread."""
    from ruvon.engine.async_engine import AsyncEngine

    one = AsyncEngine.__new__(AsyncEngine)
    one.engine, one.most, one.stall_timeout = Idle(busy), 4, 60.0
    one.clock, one.moved = lambda: 0.0, 0.0
    one.streams, one.loop, one.thread = {}, None, None
    one.inbox = Inbox(asked)
    one.wake = Lock(exam, while_waiting)
    one.inbox.engine = one
    one.closing, one.death = closing, None
    return one


class Story:
    """What happens in a case of `obey`, told in words and done by calls."""

    def __init__(self, exam, words, busy=False, closing=False):
        """`words` are commands in the inbox; after "then" what comes while it waits."""
        self.exam, self.done, self.unlocked = exam, [], True
        self.late = []  # what is asked for while a command is done
        inbox, _, later = words.partition(" then ")
        waits = [self.event(word) for word in later.split()]
        asked = [self.command(word) for word in inbox.split() if word != "nothing"]
        self.one = new_engine(exam, asked, busy, closing, waits)

    def event(self, word):
        """What others do while `obey` waits."""

        def happen():
            if word == "close":
                self.one.closing = True
                deque.append(self.one.inbox, self.command("nothing"))
            elif word != "for-no-reason":
                deque.append(self.one.inbox, self.command(word))

        return happen

    def command(self, word):
        """A command that writes down that it was done."""

        def run():
            self.unlocked = self.unlocked and not self.one.wake.held
            self.done.append(word)
            if word == "add+":  # while it is done, a caller asks for more
                deque.append(self.one.inbox, self.command("late"))
                self.late.append("late")

        return run


def check_obey(exam):
    for words, busy, closing, done, waits in (
        ("add", False, False, "add", 0),
        ("add cancel", False, False, "add cancel", 0),
        ("add cancel add", True, False, "add cancel add", 0),
        ("nothing", True, False, "", 0),
        ("nothing then add", False, False, "add", 1),
        ("nothing then for-no-reason for-no-reason add", False, False, "add", 3),
        ("add", True, True, "add", 0),
        ("nothing then close", False, False, "nothing", 1),
        ("add+ cancel", False, False, "add+ cancel", 0),
    ):
        said = f"obey: the inbox has {in_words(words)}"
        said += f"; the engine is {'busy' if busy else 'idle'}{'; closing is set' * closing}"
        with exam.case(said):
            story = Story(exam, words, busy, closing)
            one, lock = story.one, story.one.wake
            got = one.obey()
            exam.need(lock.held == 0, "The lock was taken and not given back.")
            exam.need(
                lock.waits >= waits,
                "A wait has ended for no reason. It has to look again whether there is something."
                if lock.waits
                else "It did not wait, and there is nothing to do. It would go round and round.",
            )
            exam.need(
                lock.waits <= waits, "It waited, and there was something to do.", waits=lock.waits
            )
            late_done = story.done[len(done.split()) :]
            wanted = [*done.split(), *(story.late if late_done == story.late else [])]
            compare_done(exam, story.done, wanted)
            exam.need(
                story.unlocked,
                "A command was called with the lock held. Callers would have to wait for it.",
            )
            # What came while the commands were done must not be lost.
            left = deque.__len__(one.inbox)
            exam.need(
                left + len(late_done) >= len(story.late),
                "What a caller asked for while a command was done is lost. Take out what you do, "
                "and nothing else.",
            )
            exam.need(
                left <= len(story.late) - len(late_done),
                "What is done stays in the inbox, and would be done again before the next step.",
            )
            exam.equal(
                got,
                not one.closing,
                otherwise="`closing` is not set, and it says that the thread should end."
                if not one.closing
                else "`closing` is set, and it says that the thread should go on.",
            )


def in_words(words):
    """A story for the learner."""
    for word, meant in (
        (" then ", "; while it waits comes "),
        ("for-no-reason", "a wake-up for no reason,"),
        ("add+", "add (and while it is done, a caller asks for more),"),
    ):
        words = words.replace(word, meant)
    return words


def compare_done(exam, done, wanted):
    """The commands that were called, against those that were asked for."""
    seen = {"asked_for": wanted, "done": done}
    exam.need(
        done != wanted[::-1] or done == wanted,
        "The commands were done from the newest on. A cancel would come before its add.",
        **seen,
    )
    exam.need(
        done or not wanted,
        "Nothing of what was asked for was done.",
        **seen,
    )
    exam.need(
        done != wanted[:1] or done == wanted,
        "Only one command was done. All of them come before the next step.",
        **seen,
    )
    exam.need(done == wanted, "Not these commands, in this order, each once.", **seen)


def increment(*ids, reason=None):
    from ruvon.engine.generate import Increment

    return Increment(ids, reason)


def check_deliver(exam):
    from ruvon.engine.async_engine import Stream
    from ruvon.engine.core import Output

    class Broken(Exception):
        pass

    going, error = increment(7), Broken("broken")
    last, stopped = increment(8, reason="length"), increment(9, reason="stop")
    for streams, outputs in (
        ("a", []),
        ("a", [("a", going)]),
        ("a", [("a", last)]),
        ("a", [("a", stopped)]),
        ("a", [("a", error)]),
        ("a", [("c", going)]),
        ("ab", [("a", going), ("b", last)]),
        ("ab", [("c", going), ("b", going)]),
        ("ab", [("c", error), ("a", last), ("b", error)]),
        ("ab", [("b", last), ("c", last), ("a", going)]),
        ("", [("c", last)]),
    ):
        with exam.case(
            f"deliver: streams {' '.join(streams) or '(none)'}, outputs {told(outputs)}"
        ):
            one = new_engine(exam)
            readers = {name: Stream(one, name) for name in streams}
            one.streams.update(readers)
            given = [
                Output(name, None, item) if isinstance(item, Exception) else Output(name, item)
                for name, item in outputs
            ]
            one.deliver(tuple(given))
            want = {name: [] for name in streams}
            left = list(streams)
            for name, item in outputs:
                if name in want:
                    want[name].append(item)
                    if isinstance(item, Exception) or item.finish_reason:
                        left.remove(name)
            for name, reader in readers.items():
                compare_reader(exam, name, [*reader.items._queue], want[name])
            exam.need(
                list(one.streams) == left,
                "A stream has got its last item, and did not leave `streams`. It counts as waiting."
                if len(one.streams) > len(left)
                else "A stream has left `streams`, and more will come for it.",
                streams=list(one.streams),
            )
            exam.need(
                not deque.__len__(one.inbox),
                "`deliver` only hands out. The engine has ended these requests itself.",
            )


def told(outputs):
    """Outputs in a few words."""
    words = []
    for name, item in outputs:
        if isinstance(item, Exception):
            words.append(f"{name}: error")
        else:
            reason = f", {item.finish_reason}" if item.finish_reason else ""
            words.append(f"{name}: ({item.ids[0]}){reason}")
    return "; ".join(words) or "(none)"


def compare_reader(exam, name, got, want):
    """What one reader finds, against what it should."""
    from ruvon.engine.core import Output

    exam.need(
        not any(isinstance(item, Output) for item in got),
        "A reader wants the increment or the error, not the output around it.",
        **{name: got},
    )
    exam.need(
        got != [*want, None] or got == want,
        "None comes after the last item. A finish reason or an error says the end.",
        **{name: got},
    )
    exam.need(
        got != [None if isinstance(item, Exception) else item for item in want] or got == want,
        "A request failed, and its reader gets None. The error is what it has to get.",
        **{name: got},
    )
    exam.need(
        len(got) >= len(want),
        f"{name} does not get its item. Somebody else may have left, and an "
        "end has to arrive, too.",
        **{name: got},
    )
    exam.need(got == want, f"{name} reads something else than the step gave.", **{name: got})


async def check_whole(exam):
    """Submit, read and cancel, with the thread at work."""
    from ruvon.engine.async_engine import AsyncEngine
    from ruvon.engine.backend import Request
    from ruvon.engine.core import Engine
    from ruvon.engine.strategies import STRATEGIES
    from ruvon.engine.strategies import Options
    from ruvon.engine.text import Text
    from ruvon.models.oracle import OracleModel
    from ruvon.models.oracle import oracle_tokens
    from ruvon.sampling.params import SamplingParams

    parts = STRATEGIES["sequential"](OracleModel(100, 64), Options(64, "cached"))
    one = AsyncEngine(Engine(*parts, lambda _: Text(None), context=64))

    async def read(stream):
        return [token async for item in stream for token in item.ids]

    prompts = {"a": (5, 6, 7), "b": (8, 9), "c": (4,)}
    streams = {
        name: one.submit(Request(name, prompt, SamplingParams(max_tokens=3)))
        for name, prompt in prompts.items()
    }
    await streams["b"].aclose()
    try:
        reading = asyncio.gather(*map(read, streams.values()))
        got = await asyncio.wait_for(reading, PATIENCE)
    except TimeoutError:
        raise Failed("A reader waits for ever. Was a command lost, or an item?") from None
    want = [oracle_tokens(prompt, 3, 100) for prompt in prompts.values()]
    exam.need(got[0] == want[0] and got[2] == want[2], "Not the oracle's tokens.", got=got)
    exam.need(got[1] == want[1][: len(got[1])], "Not the oracle's tokens.", got=got)
    closing = threading.Thread(target=one.close, daemon=True)
    closing.start()
    await asyncio.to_thread(closing.join, PATIENCE)
    exam.need(not closing.is_alive(), "The thread does not end when the engine is closed.")
