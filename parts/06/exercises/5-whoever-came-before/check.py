"""Engines for the learner's test: three that keep the promises, and others that break one each."""

import sys

from checking import Failed
from checking import original

VOCABULARY = 1000
PATIENCE = 300  # steps in which nothing happens, until one that never ends is given up


def check(exam):
    restore()
    right = {
        "the engine of this part": real,
        "an engine that remembers no keys": Forgetful,
        "an engine with a cache in plain lists": Plain,
    }
    wrong = {
        "an engine that loses the first token of each prompt": variant(loses=True),
        "an engine whose positions are too large by one after the prompt": variant(off=1),
        "an engine that forgets the last layer of each new token": variant(one_layer=True),
        "an engine that gives one token less than was asked for": variant(less=1),
        "an engine that never empties its cache": variant(empties=()),
        "an engine that empties its cache only for those who finish": variant(
            empties=("finished",)
        ),
        "an engine that empties its cache only for those who cancel": variant(
            empties=("cancelled",)
        ),
        "an engine that shows old keys behind those of a shorter request": variant(grows_only=True),
        "an engine that counts positions on from the request before": variant(counts_on=True),
        "an engine that serves the newest first": variant(order=lambda line: line[-1]),
        "an engine that serves the shortest prompt first": variant(
            order=lambda line: min(line, key=lambda one: len(one.request.prompt))
        ),
        "an engine that serves the newest of those who waited while another ran": Overtaking,
        "an engine that gives each request one token in turn": InTurn,
        "an engine that does not hear a cancel of who waits": variant(deaf="waiting"),
        "an engine that does not hear a cancel of who runs": variant(deaf="running"),
        "an engine that gives one more token to who runs and cancels": Late,
        "an engine that loses the next one when somebody cancels who runs": variant(
            loses_next="running"
        ),
        "an engine that loses the next one when somebody cancels who waits": variant(
            loses_next="waiting"
        ),
        "an engine that ends who runs when a name is cancelled that nobody has": variant(
            unknown="ends who runs"
        ),
        "an engine that fails when a name is cancelled that nobody has": variant(unknown="raises"),
        "an engine that keeps a cancel for a name until it comes again": variant(unknown="kept"),
        "an engine that goes on with the tokens that a name had before": Remembering,
        "an engine that takes no name twice": OnlyOnce,
        "an engine that is busy for ever when somebody who waits was cancelled": StaysBusy,
    }
    exam.judge(
        exam.tests["test_the_engine"],
        {name: New(make) for name, make in right.items()},
        {name: New(make) for name, make in wrong.items()},
    )


def restore():
    """The engine's own modules, whatever other exercises have opened in the learner's folder."""
    for name in ("engine/sequence", "engine/scheduler", "memory/single", "engine/core"):
        sys.modules[f"ruvon.{name.replace('/', '.')}"] = original(f"ruvon/{name}.py", part=6)


class New:
    """The `new_engine` of a test. What is taken for an engine itself is told so."""

    def __init__(self, make):
        self.make = make

    def __call__(self):
        return Tested(self.make())

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Failed("new_engine makes engines, and is none. Call it: new_engine().")


class Tested:
    """An engine with the four names that were promised. One that never ends is given up."""

    def __init__(self, engine):
        self.engine, self.idle, self.looks = engine, 0, 0

    def add(self, request):
        self.engine.add(request)

    def cancel(self, name):
        self.engine.cancel(name)

    def step(self):
        made, self.looks = self.engine.step(), 0
        self.idle = 0 if made else self.idle + 1
        if self.idle > PATIENCE:
            raise RuntimeError("nothing happens in all these steps")
        return made

    @property
    def busy(self):
        self.looks += 1
        if self.looks > PATIENCE:
            raise Failed("`busy` is asked again and again, and no step is taken in between.")
        return self.engine.busy

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Failed(
            f"An engine under test has `add`, `cancel`, `step` and `busy`, and no `{name}`."
        )


def real():
    """The engine of this part, over the oracle model."""
    from ruvon.engine.core import Engine
    from ruvon.engine.strategies import STRATEGIES
    from ruvon.engine.strategies import Options
    from ruvon.engine.text import Text
    from ruvon.models.oracle import OracleModel

    parts = STRATEGIES["sequential"](OracleModel(VOCABULARY, 256), Options(256, "cached"))
    return Engine(*parts, lambda _: Text(None), context=256)


def output(name, token, last):
    from ruvon.engine.core import Output
    from ruvon.engine.generate import Increment

    return Output(name, Increment((token,), "length" if last else None))


class One:
    """A request, and what is known of it."""

    def __init__(self, request):
        self.request, self.id = request, request.id
        self.known, self.new = list(request.prompt), 0


class Line:
    """Requests in a line. Subclasses say what comes next for the first of them."""

    def __init__(self):
        self.line, self.now = [], None

    def add(self, request):
        assert request.id not in [one.id for one in (*self.line, self.now) if one]
        self.line.append(One(request))

    @property
    def busy(self):
        return bool(self.line or self.now)

    def cancel(self, name):
        if self.now and self.now.id == name:
            self.ended("cancelled")
        self.line = [one for one in self.line if one.id != name]

    def step(self):
        if self.now is None:
            if not self.line:
                return []
            self.now = self.choose()
            self.line.remove(self.now)
        one, token = self.now, self.next_token()
        one.known.append(token)
        one.new += 1
        last = one.new >= self.most(one)
        if last:
            self.ended("finished")
        return [output(one.id, token, last)]

    def choose(self):
        """Who is next."""
        return self.line[0]

    def most(self, one):
        """How many tokens it may have."""
        return one.request.params.max_tokens

    def ended(self, how):
        """Whoever runs has ended."""
        self.now = None

    def next_token(self):
        raise NotImplementedError


class Forgetful(Line):
    """Asks for everything anew in each step, and keeps nothing."""

    def next_token(self):
        from ruvon.models.oracle import oracle_token

        return oracle_token(self.now.known, VOCABULARY)


class Plain(Line):
    """Keeps each computed token with its position, for each layer, and sums over what it sees."""

    off = less = 0
    loses = one_layer = grows_only = counts_on = False
    empties = ("finished", "cancelled")
    deaf = loses_next = unknown = ""

    def __init__(self):
        super().__init__()
        self.kept = [[], []]
        self.computed = self.total = 0
        self.cancels = set()

    def choose(self):
        return type(self).order(self.line) if hasattr(type(self), "order") else self.line[0]

    def most(self, one):
        return max(1, super().most(one) - self.less)

    def add(self, request):
        if request.id in self.cancels:
            self.cancels.discard(request.id)
            return
        super().add(request)

    def cancel(self, name):
        runs = self.now is not None and self.now.id == name
        waits = name in [one.id for one in self.line]
        if not runs and not waits:
            self.cancel_unknown(name)
            return
        if self.deaf == ("running" if runs else "waiting"):
            return
        if self.loses_next == ("running" if runs else "waiting"):
            left = [one for one in self.line if one.id != name]
            self.line = [one for one in self.line if one not in left[:1]]
        super().cancel(name)

    def cancel_unknown(self, name):
        """A name that nobody has, or that has ended."""
        if self.unknown == "raises":
            raise KeyError(name)
        if self.unknown == "kept":
            self.cancels.add(name)
        if self.unknown == "ends who runs" and self.now:
            self.ended("cancelled")

    def ended(self, how):
        self.total += self.computed
        self.computed = 0
        if how in self.empties and not self.grows_only:
            self.kept = [[], []]
        self.now = None

    def next_token(self):
        from ruvon.models.oracle import LAYERS
        from ruvon.models.oracle import WIDTH
        from ruvon.models.oracle import value

        one, first = self.now, self.computed
        for at in range(first, len(one.known)):
            self.keep(one, at, first > 0)
        self.computed = len(one.known)
        digest = 0
        for layer in range(LAYERS):
            for token, position in self.kept[layer]:
                for place in range(WIDTH):
                    digest += value(token, position, layer, place) * (place + 1) * (layer + 1)
        return digest % VOCABULARY

    def keep(self, one, at, is_new):
        """Put a token into the cache of each layer."""
        position = at + self.off * is_new + self.total * self.counts_on
        for layer, kept in enumerate(self.kept):
            if (self.loses and at == 0 and len(one.known) > 1) or (self.one_layer * is_new * layer):
                continue
            entry = one.known[at], position
            if self.grows_only and at < len(kept):
                kept[at] = entry
            else:
                kept.append(entry)


def variant(order=None, **faults):
    """A plain engine with a fault."""
    if order:
        faults["order"] = staticmethod(order)
    return type("Variant", (Plain,), faults)


class Overtaking(Forgetful):
    """First come, first served: but only the first one."""

    begun = False

    def choose(self):
        begun, self.begun = self.begun, True
        return self.line[-1 if begun else 0]


class InTurn(Forgetful):
    """Whoever has got a token goes to the end of the line."""

    def step(self):
        made = super().step()
        if self.now:
            self.line.append(self.now)
            self.now = None
        return made


class Late(Forgetful):
    """Whoever runs hears a cancel after the next token."""

    late = False

    def cancel(self, name):
        if self.now and self.now.id == name:
            self.late = True
        else:
            super().cancel(name)

    def step(self):
        made = super().step()
        if self.late and self.now:
            self.ended("cancelled")
        self.late = False
        return made


class Remembering(Forgetful):
    """Keeps what is known by name, and puts a new prompt behind it."""

    def __init__(self):
        super().__init__()
        self.names = {}

    def choose(self):
        one = super().choose()
        one.known = self.names.setdefault(one.id, [])
        one.known += one.request.prompt
        return one


class OnlyOnce(Forgetful):
    """Drops a request whose name it has seen."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def add(self, request):
        if request.id not in self.names:
            super().add(request)
        self.names.add(request.id)


class StaysBusy(Forgetful):
    """Counts who has not ended, and forgets to count who cancels in the line."""

    more = 0

    def cancel(self, name):
        self.more += name in [one.id for one in self.line]
        super().cancel(name)

    @property
    def busy(self):
        return bool(self.line or self.now or self.more)
