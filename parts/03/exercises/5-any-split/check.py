"""Attentions for the learner's test: three that are right, and others that each have one fault."""

import torch
from checking import Failed
from checking import place

ROOM = 64


def check(exam):
    right = {
        "attention over a cache that is allocated once": Slots,
        "attention over a cache that grows by concatenation": Concatenating,
        "attention over keys in a list, one query at a time": OneByOne,
    }
    wrong = {
        "attention that takes every chunk for the first one": variant(
            lambda start, size, t: range(t + 1) if size > 1 else range(start + 1)
        ),
        "attention without a mask in later chunks": variant(
            lambda start, size, t: range(start + size if start else t + 1)
        ),
        "attention without a mask in the first chunk": variant(
            lambda start, size, t: range(start + t + 1 if start else size)
        ),
        "attention in which single tokens do not see themselves": variant(
            lambda start, size, t: range(max(1, start + t + (size > 1)))
        ),
        "attention that sees one token too many in later chunks": variant(
            lambda start, size, t: range(min(start + t + 1 + (start > 0), start + size))
        ),
        "attention that sees the last chunk only": variant(
            lambda start, size, t: range(start, start + t + 1)
        ),
        "attention that takes a chunk for the first one if a single token is kept": variant(
            lambda start, size, t: range(t + 1) if start == 1 < size else range(start + t + 1)
        ),
        "attention that forgets the oldest token from the third chunk on": variant(
            lambda start, size, t, chunk: range(chunk > 2, start + t + 1), numbered=True
        ),
        "attention without a mask from the third chunk on": variant(
            lambda start, size, t, chunk: range(
                start + t + 1 if chunk < 3 or size == 1 else start + size
            ),
            numbered=True,
        ),
        "attention without a mask from the fourth chunk on": variant(
            lambda start, size, t, chunk: range(
                start + t + 1 if chunk < 4 or size == 1 else start + size
            ),
            numbered=True,
        ),
        "attention that sees four tokens at most": variant(
            lambda start, size, t: range(max(0, start + t - 3), start + t + 1)
        ),
        "attention whose heads all use the keys of the first": OneHead,
        "attention without the scale": NoScale,
        "attention that writes each chunk from slot 0 on": Restarting,
        "attention that confuses keys and values of later chunks": Confused,
        "attention whose cache keeps 16 bits of each number": Rounded,
        "attention whose requests share one cache": Shared(),
    }
    fresh = {name: New(exam, make) for name, make in right.items()}
    # A message names the fault, so that the case need not.
    faulty = {
        f"wrong attention {i}": New(exam, make, name)
        for i, (name, make) in enumerate(wrong.items(), start=1)
    }
    exam.judge(lambda new: tried(exam, new), fresh, faulty)


def tried(exam, new):
    """Run the learner's test, and say what it was that it got wrong."""
    test = exam.tests["test_any_split_gives_the_same"]
    try:
        given_back = test(new)
    except AssertionError as error:
        if not new.fault and in_the_last_digits(exam, test, new):
            raise Failed(
                "Your test rejects code that is right: the numbers differ in the last digits only.",
                place(error.__traceback__, exam),
            ) from error
        raise
    if new.fault and given_back is None:
        raise Failed(f"Your test accepts code that is wrong: {new.fault}.")
    return given_back


def in_the_last_digits(exam, test, new):
    """Whether the test accepts it when all that is computed is rounded."""
    feed = exam.tests.get("feed")
    if not feed:
        return False
    exam.tests["feed"] = lambda *given, **named: feed(*given, **named).round(decimals=6)
    torch.manual_seed(0)
    try:
        test(new)
    except Exception:
        return False
    finally:
        exam.tests["feed"] = feed
    return True


class New:
    """The `new_attention` of a test. What is taken for an attention itself is told so."""

    def __init__(self, exam, make, fault=""):
        self.make = make
        self.fault = fault
        self.tokens = len(exam.tests.get("IDS", range(ROOM)))

    def __call__(self):
        made = self.make()
        made.tokens = self.tokens
        return made

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Failed("new_attention makes attentions, and is none. Call it: new_attention().")


class Kept:
    """What the attentions below have in common: they keep keys and values, and count."""

    reused = False  # whether others go on with the same one, through no fault of the test

    def __init__(self):
        self.computed = self.start = self.size = self.chunk = 0
        self.keys, self.values = [], []

    def prepare(self, spans):
        (span,) = spans
        assert span.start == self.computed, "a step begins where the last one ended"
        if span.start + span.count > self.tokens and not self.reused:
            if span.start == self.tokens:
                held = "six" if self.tokens == 6 else self.tokens
                raise Failed(
                    f"This attention has {held} tokens already. Each split needs a new one."
                )
            raise Failed("The chunks of this split have more tokens than IDS.")
        self.start, self.size = span.start, span.count
        self.computed += span.count
        self.chunk += 1

    def __call__(self, layer, q, k, v):
        self.keep(k, v)
        return torch.stack([self.row(layer, q[t], list(self.sees(t))) for t in range(len(q))])

    def keep(self, k, v):
        """Put the newest keys and values behind the others."""
        self.keys += k
        self.values += v

    def sees(self, t):
        """The slots that the newest chunk's token t sees."""
        return range(self.start + t + 1)

    def row(self, layer, q, slots):
        """One query over some slots. [heads, head_dim] -> the same."""
        keys = torch.stack([self.keys[s] for s in slots])  # [S, kv_heads, head_dim]
        values = torch.stack([self.values[s] for s in slots])
        weights = ((q * keys).sum(-1) * layer.scale).softmax(0)  # [S, heads]
        return (weights[..., None] * values).sum(0)


class OneByOne(Kept):
    """As it should be."""


class Concatenating(Kept):
    """Keys and values grow with each step; all scores at once."""

    def __call__(self, layer, q, k, v):
        self.keys = torch.cat([*self.keys, k])[None]
        self.values = torch.cat([*self.values, v])[None]
        from ruvon.attention.full import causal_attention

        return causal_attention(layer, q, self.keys[0], self.values[0])


class Slots(Kept):
    """Heads first, allocated once, PyTorch's fused attention: what Part 3 has."""

    def __call__(self, layer, q, k, v):
        if not len(self.keys):
            shape = (layer.kv_heads, ROOM, layer.head_dim)
            self.keys, self.values = (torch.full(shape, torch.nan, dtype=k.dtype) for _ in "kv")
        self.keys[:, self.start : self.computed] = k.transpose(0, 1)
        self.values[:, self.start : self.computed] = v.transpose(0, 1)
        mask = torch.arange(self.computed) <= torch.arange(self.start, self.computed)[:, None]
        return torch.nn.functional.scaled_dot_product_attention(
            q.transpose(0, 1),
            self.keys[:, : self.computed],
            self.values[:, : self.computed],
            attn_mask=mask,
            scale=layer.scale,
        ).transpose(0, 1)


def variant(sees, numbered=False):
    """A wrong attention: its tokens see other slots than they should."""

    class Variant(Kept):
        def sees(self, t):
            extra = (self.chunk,) if numbered else ()
            return sees(self.start, self.size, t, *extra)

    return Variant


class OneHead(Kept):
    def keep(self, k, v):
        super().keep(k[:, :1].expand_as(k), v)


class NoScale(Kept):
    def row(self, layer, q, slots):
        return super().row(layer, q / layer.scale, slots)


class Restarting(Kept):
    def keep(self, k, v):
        super().keep(k, v)
        self.keys[: self.size], self.values[: self.size] = list(k), list(v)


class Confused(Kept):
    def keep(self, k, v):
        super().keep(*((v, k) if self.start else (k, v)))


class Rounded(Kept):
    def keep(self, k, v):
        super().keep(*(t.to(torch.bfloat16).to(t.dtype) for t in (k, v)))


class Shared:
    """Hands out the same attention each time."""

    def __init__(self):
        self.only = None

    def __call__(self):
        self.only = self.only or OneByOne()
        self.only.reused = True
        return self.only
