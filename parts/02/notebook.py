# %% [markdown]
# # Part 2: greedy decode loop
#
# One forward pass gives one token; a loop gives a story. Here you write the loop with plain
# tensors, hold it against the engine's, count what it computes, and break it. The article is
# `parts/02/README.md`.

# %%
from ruvon.course import use

use(2)

# %%
import statistics
import time
from itertools import islice

import torch

from ruvon.attention.full import FullAttention
from ruvon.engine.generate import generate
from ruvon.engine.generate import step
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

# In float64 rounding decides nothing: the same tokens on every machine.
folder = locate("story")
tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float64)
prompt = tokenizer.encode("Once upon a time")
print(prompt, [tokenizer.decode([token]) for token in prompt])

# %% [markdown]
# ## Predict
#
# A prompt of 10 tokens, 100 new ones, and the whole text is computed in each round. How many
# times is a token computed, in all? Put your number here before you run the next cells.

# %%
my_guess = None

# %%
computed = sum(range(10, 10 + 100))
print(f"you said {my_guess}; it is {computed:,}, for {10 + 100 - 1} tokens that were ever fed")
assert computed == 100 * 10 + 100 * 99 // 2

# %% [markdown]
# ## By hand
#
# The model is a function: tokens and positions in, one vector a token out. Only the last vector
# says something new.

# %%
with torch.inference_mode():
    hidden = model(torch.tensor(prompt), torch.arange(len(prompt)), FullAttention())
    logits = model.logits(hidden)
print("hidden", list(hidden.shape), " logits", list(logits.shape))
for row, token in enumerate(prompt):
    after = tokenizer.decode([int(logits[row].argmax())])
    print(f"  after {tokenizer.decode([token])!r:9} the likeliest is {after!r}")

# %% [markdown]
# Now the loop. Feed everything, read the last row, put the winner at the end.


# %%
@torch.inference_mode()
def by_hand(ids, new):
    known = list(ids)
    for _ in range(new):
        hidden = model(torch.tensor(known), torch.arange(len(known)), FullAttention())
        known.append(int(model.logits(hidden[-1:]).argmax()))
    return known[len(ids) :]


mine = by_hand(prompt, 12)
print(tokenizer.decode(mine))

# %% [markdown]
# ## With the engine
#
# `generate` is a generator: it yields one increment a step. Both loops must find the same
# tokens.

# %%
increments = list(generate(model, FullAttention(), prompt, SamplingParams(max_tokens=12)))
engine = [token for increment in increments for token in increment.ids]
assert engine == mine
print(tokenizer.decode(engine))
print("the last increment:", increments[-1])

# %% [markdown]
# Nothing runs before it is asked for. This attention writes down what each step feeds.


# %%
class Watched(FullAttention):
    def __init__(self):
        self.fed = []

    def prepare(self, spans):
        super().prepare(spans)
        self.fed.append(spans[0].count)


watched = Watched()
steps = generate(model, watched, prompt, SamplingParams(max_tokens=100))
print("before the first next():", watched.fed)
list(islice(steps, 3))
print("after three of them:    ", watched.fed)
assert watched.fed == [4, 5, 6]

# %% [markdown]
# ## A trace
#
# A prompt of 3 tokens and 4 new ones: 3 + 4 + 5 + 6 = 18.

# %%
short, watched = tokenizer.encode("Once upon a"), Watched()
known = list(short)
for increment in generate(model, watched, short, SamplingParams(max_tokens=4)):
    print(f"known {len(known)}, fed {watched.fed[-1]}: {tokenizer.decode(list(increment.ids))!r}")
    known += increment.ids
assert sum(watched.fed) == 3 + 4 + 5 + 6

# %% [markdown]
# ## Why it ends
#
# Predict the finish reason of each line before you look.

# %%
was = tokenizer.encode(" was")[0]
for title, params, context in (
    ("max_tokens=3", SamplingParams(max_tokens=3), None),
    ("a stop id", SamplingParams(max_tokens=60, stop_token_ids=(was,)), None),
    ("a context of 8", SamplingParams(max_tokens=None), 8),
):
    steps = list(generate(model, FullAttention(), prompt, params, context=context))
    print(f"{title:15} {len(steps):2} new tokens, {steps[-1].finish_reason}")

# %% [markdown]
# Four tokens of prompt in a context of 8 leave room for 5 new ones, not 4. The last one is
# sampled and never fed, so it needs no position.

# %% [markdown]
# ## Turn a knob: the length
#
# The time of one step, over sequences of growing length. `story` in float32, the median of a
# few.

# %%
fast = load_model(folder, torch.float32)
lengths = [8, 64, 128, 256, 512]
times = []
for length in lengths:
    ids, samples = [7] * length, []
    step(fast, FullAttention(), ids)
    for _ in range(5):
        started = time.perf_counter()
        step(fast, FullAttention(), ids)
        samples.append(time.perf_counter() - started)
    times.append(statistics.median(samples))
for length, seconds in zip(lengths, times, strict=True):
    print(f"{length:4} tokens {seconds * 1e3:7.2f} ms  {'█' * round(40 * seconds / max(times))}")

# %% [markdown]
# A step costs more the longer the text is, and a text is made of steps. Add them up: twice as
# many new tokens are nearly four times the computed ones, once the prompt is small beside them.

# %%
for new in (25, 50, 100, 200, 400):
    print(f"{new:4} new tokens: {sum(range(4, 4 + new)):6,} computed, {4 + new - 1:3} needed")

# %% [markdown]
# ## Break one line
#
# "The old tokens were computed in the step before, so feed only the last one." Try it: this
# attention says that a token is computed once it was fed, and keeps nothing.


# %%
class Forgetful(FullAttention):
    def prepare(self, spans):
        self.computed = spans[0].start + spans[0].count


broken = [
    token
    for increment in generate(model, Forgetful(), prompt, SamplingParams(max_tokens=12))
    for token in increment.ids
]
print("right :", repr(tokenizer.decode(mine)))
print("broken:", repr(tokenizer.decode(broken)))

# %% [markdown]
# The first token is right, since the first step computes the whole prompt. A test of one token
# sees nothing. The invariant that falls is the one that every later part must keep: the ids
# equal those of the plain loop.

# %%
first_wrong = next(i for i, (a, b) in enumerate(zip(mine, broken, strict=True)) if a != b)
assert broken[0] == mine[0] and broken != mine
print(f"the two part at new token {first_wrong + 1}")

# %% [markdown]
# `FullAttention` itself would not let this pass. A step that does not begin at position 0 is
# refused:

# %%
attention = FullAttention()
attention.computed = 3
try:
    step(model, attention, prompt)
except AssertionError as refused:
    print("refused:", refused)

# %% [markdown]
# ## Greedy's own weakness
#
# The loop is right. The text may still go in circles, for the likeliest token is likeliest
# again.

# %%
for beginning in ("Lily had a red ball", "It was raining"):
    ids = tokenizer.encode(beginning)
    made = [
        token
        for increment in generate(fast, FullAttention(), ids, SamplingParams(max_tokens=70))
        for token in increment.ids
    ]
    runs = [tuple(made[i : i + 8]) for i in range(len(made) - 7)]
    print(beginning + tokenizer.decode(made))
    print(f"-> {len(runs) - len(set(runs))} of {len(runs)} runs of 8 tokens stood there before\n")

# %% [markdown]
# ## What you have
#
# - A step feeds what is known and not computed, reads the last row, appends one token.
# - Without memory that is the whole text in every step: the square that Part 3 removes.
# - The same ids as the plain loop: the test that every faster engine will have to pass.
