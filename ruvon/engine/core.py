"""Part 6 · The engine: requests go in, and every step gives each of them its next token.

It is synchronous and has one thread, no sockets, no files, and no clock but the one it is given.
So a test can drive it step by step, and whoever serves it owns the thread.
"""

import logging
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace  # part 10

from ruvon.engine.backend import Request
from ruvon.engine.events import Event
from ruvon.engine.events import Kind
from ruvon.engine.events import Subscriber
from ruvon.engine.generate import NO_SCORES
from ruvon.engine.generate import Increment
from ruvon.engine.generate import check_prompt
from ruvon.engine.generate import stop_ids
from ruvon.engine.generate import token_limit
from ruvon.engine.runner import Computed
from ruvon.engine.runner import Runner
from ruvon.engine.scheduler import Batch
from ruvon.engine.scheduler import Entry
from ruvon.engine.scheduler import Scheduler
from ruvon.engine.sequence import Sequence
from ruvon.engine.sequence import Status
from ruvon.engine.text import Text
from ruvon.errors import RuvonError
from ruvon.sampling.logprobs import Logprob  # part 10
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.stochastic import NO_TOKEN

log = logging.getLogger("ruvon.engine")


@dataclass(frozen=True)
class Gained:
    """What a step gave one entry, as plain numbers."""

    # The new tokens: none while a prompt is not complete.
    ids: tuple[int, ...] = ()
    logprobs: tuple[Logprob, ...] = ()  # part 10
    prompt_logprobs: tuple[Logprob, ...] = ()  # part 10


@dataclass(eq=False)
class Live:
    """A request that has not ended, and what has been made of it."""

    sequence: Sequence
    text: Text
    # Of a prompt that is not complete.
    prompt_logprobs: tuple[Logprob, ...] = ()  # part 10


@dataclass(frozen=True)
class Output:
    """What a step gave one request: an increment, or the reason why it failed."""

    id: str
    increment: Increment | None
    error: Exception | None = None


class Engine:
    """Requests, and the loop over them, cut into steps."""

    def __init__(
        self,
        scheduler: Scheduler,
        runner: Runner,
        text: Callable[[SamplingParams], Text],
        *,
        context: int,
        eos_id: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
        subscribers: Iterable[Subscriber] = (),
    ) -> None:
        """`text` makes what turns the tokens of one sequence into text."""
        self.scheduler = scheduler
        self.runner = runner
        self.text = text
        self.context = context
        self.eos_id = eos_id
        self.clock = clock
        self.subscribers = list(subscribers)
        # Everything about a request that has not ended is here, and nothing about one that has.
        self.live: dict[str, Live] = {}
        self.steps = 0

    # What callers do

    def add(self, request: Request) -> None:
        """Take a request. Raises RuvonError for a prompt that no step could compute."""
        assert request.id not in self.live, "two live requests have the same id"
        check_prompt(request.prompt, self.context)
        params = request.params
        sequence = Sequence(
            request,
            ids=[*request.prompt],
            stops=stop_ids(params, self.eos_id),
            limit=token_limit(len(request.prompt), params, self.context),
        )
        self.live[request.id] = Live(sequence, self.text(params))
        self.scheduler.add(sequence)
        self.tell("queued", request.id, prompt=len(request.prompt))

    def cancel(self, id: str) -> None:
        """End a request, if it is there."""
        if id in self.live:
            self.end(self.live[id].sequence, Status.CANCELLED)

    @property
    def busy(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self.live)

    def step(self) -> list[Output]:
        """Compute one step. -> what it gave, nothing when there is nothing to do."""
        began = self.clock()
        batch = self.plan()
        if not batch.entries:
            return []
        try:
            gained = self.read(batch, self.launch(batch))
        except Exception as error:  # whoever was in this step cannot go on; the others can
            outputs = [self.failed(entry, error) for entry in batch.entries]
        else:
            outputs = self.commit(batch, gained)
        self.steps += 1
        self.tell_step(batch, self.clock() - began)
        return outputs

    # What a step is made of

    def plan(self) -> Batch:
        """Choose who computes how much."""
        before = set(self.scheduler.running)
        batch = self.scheduler.schedule()
        for entry in batch.entries:
            if entry.sequence.id not in before:
                self.tell("started", entry.sequence.id)
        return batch

    def launch(self, batch: Batch) -> Computed:
        """Let the model compute, and sample. The ids stay where they are."""
        return self.runner.run(batch)

    def read(self, batch: Batch, computed: Computed) -> list[Gained]:
        """What each entry gained. On a GPU this waits for it: the one place that does."""
        tokens = iter(computed.sampled.ids.tolist())
        gained = [Gained((next(tokens),)) if entry.ready else Gained() for entry in batch.entries]
        gained = with_scores(batch, computed, gained)  # part 10
        return gained

    def commit(self, batch: Batch, gained: Iterable[Gained]) -> list[Output]:
        """Give each sequence its tokens, and end those that are complete."""
        made = [self.grow(*one) for one in zip(batch.entries, gained, strict=True)]
        return [output for output in made if output is not None]

    def grow(self, entry: Entry, gained: Gained) -> Output | None:
        """One sequence's part of a step. None while its prompt is not complete."""
        live = self.live[entry.sequence.id]
        sequence = live.sequence
        if NO_TOKEN in gained.ids:
            return self.failed(entry, RuvonError(NO_SCORES))
        before = len(sequence.ids)
        reason = self.scheduler.commit(entry, gained.ids)
        new = tuple(sequence.ids[before:])
        self.tell("computed", sequence.id, start=entry.start, tokens=entry.count, new=len(new))
        live.prompt_logprobs += gained.prompt_logprobs  # part 10
        if not new:
            return None
        increment = Increment(new, reason)
        if gained.logprobs or live.prompt_logprobs:  # part 10
            scores, of_prompt = gained.logprobs[: len(new)], live.prompt_logprobs
            increment = replace(increment, logprobs=scores, prompt_logprobs=of_prompt)
            live.prompt_logprobs = ()
        try:
            increment = live.text.add(increment)
        except Exception as error:
            return self.failed(entry, error)
        if increment.finish_reason:  # by its ids, or by a stop string in its text
            self.end(sequence, Status.FINISHED)
        return Output(sequence.id, increment)

    # How a request ends

    def failed(self, entry: Entry, reason: Exception) -> Output:
        """End a request that cannot go on."""
        log.error("request %s failed", entry.sequence.id, exc_info=reason)
        self.end(entry.sequence, Status.FAILED)
        return Output(entry.sequence.id, None, reason)

    def end(self, sequence: Sequence, status: Status) -> None:
        """Forget a request, and say so."""
        self.scheduler.end(sequence, status)
        del self.live[sequence.id]
        read = len(sequence.request.prompt)
        kind: Kind = status.value  # type: ignore[assignment]
        self.tell(kind, sequence.id, prompt=read, new=len(sequence.ids) - read)

    # Who wants to know

    def tell(self, kind: Kind, request: str | None, **numbers: float) -> None:
        """Tell every subscriber. One that fails is not told again, and stops nothing."""
        if not self.subscribers:
            return
        event = Event(kind, self.clock(), self.steps, request, numbers)
        for subscriber in list(self.subscribers):
            try:
                subscriber(event)
            except Exception:
                log.exception("a subscriber failed, and is told nothing more")
                self.subscribers.remove(subscriber)

    def tell_step(self, batch: Batch, seconds: float) -> None:
        """Tell what a step was."""
        self.tell(
            "step",
            None,
            entries=len(batch.entries),
            tokens=sum(entry.count for entry in batch.entries),
            running=len(self.scheduler.running),
            waiting=len(self.scheduler.waiting),
            seconds=seconds,
        )


def with_scores(  # part 10
    batch: Batch, computed: Computed, gained: list[Gained]
) -> list[Gained]:
    """The same, and how likely the tokens were of those who asked for it."""
    if computed.sampled.logprobs is None and not computed.prompts:
        return gained
    scores = iter(computed.sampled.logprobs.read() if computed.sampled.logprobs else [])
    scored = []
    for entry, one in zip(batch.entries, gained, strict=True):
        most = entry.sequence.request.params.logprobs
        if one.ids and most is not None:
            score = next(scores)  # with as many others as the greediest in this step wants
            one = replace(one, logprobs=(replace(score, top=score.top[:most]),))
        if rows := computed.prompts.get(entry.sequence.id):
            read = tuple(score for piece in rows for score in piece.read())
            one = replace(one, prompt_logprobs=read)
        scored.append(one)
    return scored
