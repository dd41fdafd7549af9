# %% [markdown]
# # Part 10: Logprobs API
#
# A model gives each token a probability. Here you compute it by hand, ask the engine for it, use
# it to choose, and break it. The [article](../parts/10/README.md) tells the story.

# %%
from ruvon.course import use

use(10)

# %%
import math
import random

import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.attention.full import FullAttention
from ruvon.sampling import logprobs
from ruvon.sampling.logprobs import score
from ruvon.seams import Span

llm = LLM("story", device="cpu", dtype="float32")
sentence = "Once upon a time there was a dog. He liked to chase the cat."
ids = llm.encode(sentence)
print(len(ids), "tokens, vocabulary", llm.model.vocabulary)

# %% [markdown]
# ## Predict
#
# Write down your guesses.
#
# 1. Which token of this sentence is the greatest surprise to a model of children's stories?
# 2. Of how many of its tokens can a model say anything?
# 3. A model that knows nothing gives each of 2,048 tokens the same probability. What is its
#    perplexity?
#
# ## By hand: three logits
#
# Their powers are 1, 2 and 5, and the sum is 8.

# %%
logits = torch.tensor([1.0, 2.0, 5.0]).log()
by_hand = logits - math.log(1 + 2 + 5)
print(by_hand.exp())
assert torch.allclose(by_hand.exp(), torch.tensor([1 / 8, 2 / 8, 5 / 8]))
assert torch.allclose(by_hand, logits.log_softmax(0))

# %% [markdown]
# ## By hand: where the obvious formulas break

# %%
large = torch.tensor([110.0, 100.0, 0.0])
print("by the definition: ", (large.exp() / large.exp().sum()).log())
print("log of the softmax:", large.softmax(0).log())
print("x - logsumexp(x):  ", large - large.logsumexp(0))
assert (large - large.logsumexp(0)).isfinite().all()

# %% [markdown]
# ## By hand: a sentence
#
# All logits at once, `[T, vocabulary]`. Row p has seen tokens 0 to p, so it scores token p + 1.


# %%
@torch.inference_mode()
def all_logits(ids):
    attention = FullAttention()
    attention.prepare([Span(0, len(ids))])
    hidden = llm.model(torch.tensor(ids), torch.arange(len(ids)), attention)
    return llm.model.logits(hidden)


table = all_logits(ids).log_softmax(-1)
plain = [float(table[p, ids[p + 1]]) for p in range(len(ids) - 1)]
for token, value in zip(ids[1:], plain, strict=True):
    share = math.exp(value)
    print(f"{llm.tokenizer.decode([token])!r:10} {share:7.1%}  {'#' * round(30 * share)}")

# %%
uniform = [math.log(1 / 2048)] * len(plain)


def perplexity(values):
    return math.exp(-sum(values) / len(values))


print(f"log-probability {sum(plain):.1f}, perplexity {perplexity(plain):.1f}")
print(f"of a model that knows nothing: {perplexity(uniform):,.0f}")
assert len(plain) == len(ids) - 1, "nothing comes before a first token"
assert round(perplexity(uniform)) == 2048

# %% [markdown]
# ## With ruvon


# %%
def scores(prompt, most=0):
    [out] = llm.generate(prompt, max_tokens=1, prompt_logprobs=most)
    return out.prompt_logprobs


engine = [one.logprob for one in scores(sentence)]
assert max(abs(a - b) for a, b in zip(engine, plain, strict=True)) < 1e-3
print("the engine and the table agree on", len(engine), "tokens")

# %% [markdown]
# The engine never had that table: it made logits of some rows at a time, and kept one number of
# each. Sweep how many rows.

# %%
kept = logprobs.CHUNK
for rows in (1, 4, 128):
    logprobs.CHUNK = rows
    again = [one.logprob for one in scores(sentence)]
    held = min(rows, len(ids) - 1) * llm.model.vocabulary * 4
    assert max(abs(a - b) for a, b in zip(again, plain, strict=True)) < 1e-3
    print(f"{rows:3} rows at a time: at most {held:9,} bytes of logits, the same scores")
logprobs.CHUNK = kept

# %% [markdown]
# ## New tokens are scored as they come
#
# And a text has the same score when it is written and when it is read.

# %%
params = SamplingParams(max_tokens=12, temperature=1.0, seed=4, logprobs=2)
[out] = llm.generate("Once upon a time, there was", params)
[made] = out.outputs
read = scores([[*out.prompt_token_ids, *made.token_ids]])[-len(made.token_ids) :]
for one, other in zip(made.logprobs, read, strict=True):
    names = [f"{llm.tokenizer.decode([t])!r} {math.exp(v):.0%}" for t, v in one.top]
    print(f"{llm.tokenizer.decode([one.id])!r:10} {math.exp(one.logprob):6.1%}  of", *names)
    assert abs(one.logprob - other.logprob) < 1e-3

# %% [markdown]
# ## Use: which ending?
#
# The sum of an ending's logprobs, or their mean?

# %%
beginning = "Tom fell and hurt his knee. He began to"
known = len(llm.encode(beginning))
found = {}
for ending in (" cry, and his mom gave him a big hug.", " fly.", " swim."):
    values = [one.logprob for one in scores(beginning + ending)][known - 1 :]
    found[ending] = (sum(values), sum(values) / len(values))
    print(f"sum {found[ending][0]:6.1f}  mean {found[ending][1]:6.2f} {ending}")
assert max(found, key=lambda ending: found[ending][0]) == " fly."
assert max(found, key=lambda ending: found[ending][1]).startswith(" cry")

# %% [markdown]
# Every further token can only lower a sum. So a sum prefers what is short.
#
# ## Use: a story, and its words in another order

# %%
story = (
    "Ben had a blue kite. The wind was strong, and the kite flew high over the trees. Then the "
    "string broke and the kite was gone. Ben was sad. A nice old man found it in his garden and "
    "gave it back."
)
words = story.split(" ")
random.Random(0).shuffle(words)
perplexities = [
    perplexity([one.logprob for one in scores(text)]) for text in (story, " ".join(words))
]
print(f"as written {perplexities[0]:.0f}, shuffled {perplexities[1]:,.0f}")
assert perplexities[0] < 100 < perplexities[1]

# %% [markdown]
# ## Break one line: off by one row
#
# Let row p score token p, which it has seen. Predict: does anything crash? Does the perplexity
# rise or fall? How many tokens of a greedy text are then the likeliest of their row?

# %%
[out] = llm.generate("Once upon a time, there was a little dog named", max_tokens=40)
whole = [*out.prompt_token_ids, *out.outputs[0].token_ids]
rows, after = all_logits(whole), torch.tensor(whole[1:])
right = score(rows[:-1], after, 1).read()[-40:]
wrong = score(rows[1:], after, 1).read()[-40:]
for name, scored in (("right", right), ("off by one", wrong)):
    likeliest = sum(one.id == one.top[0][0] for one in scored)
    print(f"{name:10} likeliest in {likeliest} of 40 places")
assert all(one.id == one.top[0][0] for one in right)
assert sum(one.id == one.top[0][0] for one in wrong) < 5

# %% [markdown]
# Nothing crashed. All numbers were negative and finite. What fell is an invariant: what greedy
# wrote is the likeliest in its place.
#
# ## Break another: scores of tempered logits

# %%
for temperature in (2.0, 1.0, 0.5, 0.1):
    scored = score(rows[:-1] / temperature, after, 0).read()[-40:]
    print(f"temperature {temperature:3}: perplexity {perplexity([x.logprob for x in scored]):6.2f}")

# %% [markdown]
# The same text, by the same model. A number that moves with a knob of the request says nothing
# about the model. So scores are of the raw logits.
