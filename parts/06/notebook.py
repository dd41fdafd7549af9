# %% [markdown]
# # Part 6: Many requests, one after the other
#
# A queue, requests with a life of their own, and an engine that goes step by step. The
# [article](../parts/06/README.md) tells the story; here you lead the engine by hand, break it,
# and see what falls.

# %%
from ruvon.course import use

use(6)

# %%
from ruvon import LLM
from ruvon.attention.cached import CachedAttention
from ruvon.engine.backend import Request
from ruvon.engine.core import Engine
from ruvon.engine.generate import step
from ruvon.engine.runner import Runner
from ruvon.engine.scheduler import Sequential
from ruvon.engine.sequence import NEXT
from ruvon.engine.sequence import Sequence
from ruvon.engine.sequence import Status
from ruvon.engine.strategies import SAMPLE
from ruvon.engine.text import Text
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.single import SingleCache
from ruvon.models.oracle import OracleModel
from ruvon.models.oracle import oracle_tokens
from ruvon.sampling.params import SamplingParams

llm = LLM("story", device="cpu", dtype="float32")
tokenizer = llm.tokenizer
prompts = {"A": "Once upon a time", "B": "One day, a big dog"}
ids = {name: llm.encode(text) for name, text in prompts.items()}
print({name: len(known) for name, known in ids.items()}, "tokens")

# %% [markdown]
# ## Predict
#
# Write down your guesses.
#
# 1. A wants 4 new tokens and B wants 3, and both are there. How many steps is that?
# 2. In how many of them does B wait?
# 3. How many tokens does the fifth step compute?

# %% [markdown]
# ## By hand: two requests, a list and a cache
#
# One cache, and whoever is first in the list has it. Each request is two numbers, known and
# computed, and a step computes the difference.

# %%
wanted = {"A": 4, "B": 3}
cache = ContiguousCache(llm.model.layers, 64, llm.model.dtype, llm.model.device)
attention = CachedAttention(cache)
waiting, known, rows = ["A", "B"], {name: [*ids[name]] for name in ids}, []
while waiting:
    name = waiting[0]
    missing = len(known[name]) - cache.length
    rows.append((name, cache.length, missing, waiting[1:]))
    known[name].append(int(step(llm.model, attention, known[name]).argmax()))
    if len(known[name]) == len(ids[name]) + wanted[name]:
        waiting.pop(0)
        cache.free()
for number, (name, start, count, others) in enumerate(rows, start=1):
    print(f"step {number}  {name} computes {count} from {start}; waiting: {others}")
for name in known:
    print(name, repr(tokenizer.decode(known[name])))

# %% [markdown]
# ## With ruvon
#
# The scheduler has the list, the runner the tensors, and the engine leads. One step is four calls.


# %%
def request(name, new):
    params = SamplingParams(max_tokens=new, temperature=0)
    return Request(name, tuple(ids[name]), params)


engine = llm.new_engine()
for name, new in wanted.items():
    engine.add(request(name, new))

same, made = [], {name: [] for name in wanted}
while engine.busy:
    batch = engine.plan()  # who computes how much
    [entry] = batch.entries
    same.append((entry.sequence.id, entry.start, entry.count, [*engine.scheduler.waiting]))
    computed = engine.launch(batch)  # the model
    gained = engine.read(batch, computed)  # plain numbers
    for output in engine.commit(batch, gained):  # tokens, ends
        made[output.id] += output.increment.ids

assert same == rows, "by hand and by the engine: the same steps"
assert all(ids[name] + made[name] == known[name] for name in ids), "and the same tokens"
print(len(same), "steps; B waits in", sum("B" in row[3] for row in same))
print("the fifth step computes", same[4][2], "tokens: it is B's prompt")

# %% [markdown]
# ## A life: five names, six moves

# %%
for status in Status:
    print(f"{status:10} may become {', '.join(NEXT[status]) or 'nothing'}")
assert sum(len(after) for after in NEXT.values()) == 6

finished = Sequence(request("A", 1), [1], frozenset(), 2, status=Status.FINISHED)
try:
    finished.become(Status.RUNNING)
    raise AssertionError("it was not refused")
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## A trace: what the engine tells
#
# Subscribers get an event for whatever happens. B is cancelled while it waits.

# %%
engine = llm.new_engine(lambda e: print(f"  {e.kind:9} {e.request or ''} {dict(e.numbers)}")
                        if e.kind != "step" else None)  # fmt: skip
for name in "AB":
    engine.add(request(name, 2))
print("step 1")
engine.step()
print("B leaves")
engine.cancel("B")
print("step 2")
engine.step()
assert not engine.busy

# %% [markdown]
# ## A knob: how long is the head of the line?
#
# A short request comes when so many tokens of another are still to come. Predict the last number.


# %%
def steps_to_first(still_to_come):
    engine = llm.new_engine()
    engine.add(request("A", still_to_come + 1))
    engine.step()
    engine.add(request("B", 1))
    came = engine.steps
    while True:
        if any(output.id == "B" for output in engine.step()):
            return engine.steps - came


for still in (0, 5, 20, 60):
    waited = steps_to_first(still)
    print(f"{still:3} tokens to come: first token after {waited} steps {'.' * waited}")
    assert waited == still + 1

# %% [markdown]
# That is head-of-line blocking. Part 7 and Part 8 are about this number.
#
# ## The oracle model: every token told beforehand
#
# It has no weights. What a token should be is a sum over all tokens before it, so whatever
# goes wrong with a cache shows as a wrong token.

# %%
VOCABULARY = 1000


def oracle_engine(cache=SingleCache, attention=CachedAttention, scheduler=Sequential):
    model = OracleModel(VOCABULARY, context=32)
    kept = ContiguousCache(model.layers, 32, model.dtype, model.device)
    runner = Runner(model, attention(kept), SAMPLE)
    return Engine(scheduler(cache(kept)), runner, lambda _: Text(None), context=32)


def verdict(engine):
    """Three requests. -> the first thing that is not as it was told, or nothing."""
    asked = {"a": (5, 6, 7), "b": (8, 9), "c": (1, 2, 3, 4)}
    made = {name: [] for name in asked}
    for name, prompt in asked.items():
        engine.add(Request(name, prompt, SamplingParams(max_tokens=4, temperature=0)))
    while engine.busy:
        for output in engine.step():
            if output.error:
                return f"{output.id} fails: {output.error}"
            made[output.id] += output.increment.ids
            told = oracle_tokens(asked[output.id], 4, VOCABULARY)[: len(made[output.id])]
            if made[output.id] != told:
                return f"{output.id} says {made[output.id][-1]}, and {told[-1]} was told"
    return None


assert verdict(oracle_engine()) is None
print("three requests, twelve tokens, all as told")

# %% [markdown]
# ## Break one line: the cache is not freed
#
# Predict: who notices, and when?

# %%
import logging

logging.getLogger("ruvon.engine").disabled = True  # a failed request is logged with its traceback


class NotFreed(SingleCache):
    def free(self, id):
        self.holder = None  # and no self.cache.free()


seen = verdict(oracle_engine(cache=NotFreed))
print(seen)
assert "a step begins where the last one ended" in seen

# %% [markdown]
# An assertion caught it. Take the assertion away too, and only the oracle is left.

# %%
from ruvon.attention.cached import causal_mask


class Trusting(CachedAttention):
    def prepare(self, spans):
        self.cache.grow(spans[0].count)
        self.mask = causal_mask(spans[0].count, self.cache.length, self.cache.device)


seen = verdict(oracle_engine(cache=NotFreed, attention=Trusting))
print(seen)
assert "was told" in seen

# %% [markdown]
# ## Break another: the last one is next
#
# Predict: which token is wrong?


# %%
class LastFirst(Sequential):
    def start_next(self):
        if self.waiting:
            self.waiting.move_to_end(next(reversed(self.waiting)), last=False)
        return super().start_next()


print("wrong:", verdict(oracle_engine(scheduler=LastFirst)))
assert verdict(oracle_engine(scheduler=LastFirst)) is None

# %% [markdown]
# None. Whoever shares the engine must not change a token, so tokens cannot tell an order. The
# order is what the events are for.

# %%
order = []
engine = oracle_engine(scheduler=LastFirst)
engine.subscribers.append(lambda e: order.append(e.request) if e.kind == "started" else None)
verdict(engine)
print("they came as a, b, c, and started as", ", ".join(order))
assert order == ["c", "b", "a"]
