# %% [markdown]
# # Part 5: Sampling
#
# The next token is drawn instead of taken. The [article](../parts/05/README.md) tells the story;
# here you reshape a distribution by hand, draw from it, break the order, and see what falls.

# %%
from ruvon.course import use

use(5)

# %%
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import step
from ruvon.sampling.greedy import Row
from ruvon.sampling.stochastic import adjusted
from ruvon.sampling.stochastic import inverse_cdf
from ruvon.sampling.stochastic import kept
from ruvon.sampling.stochastic import stochastic
from ruvon.sampling.stochastic import tempered
from ruvon.sampling.stochastic import uniform

llm = LLM("story", device="cpu", dtype="float64")
tokenizer, model = llm.tokenizer, llm.model


def row(ids=(0,), prompt=1, **params):
    return Row(SamplingParams(**{"temperature": 1.0, **params}), list(ids), prompt)


def chances(logits, rows):
    temperature = torch.tensor([[one.params.temperature] for one in rows])
    return kept(tempered(adjusted(logits, rows), temperature), rows)


# %% [markdown]
# ## Predict
#
# Four tokens a, b, c, d have the chances 0.4, 0.3, 0.2 and 0.1. Write down your guesses.
#
# 1. What does temperature 0.5 make of 0.4?
# 2. How many tokens does top-p 0.75 keep? And after temperature 0.5?
# 3. The number 0.5 is drawn. Which token is it, without any filter? With top-k 2?
#
# ## By hand
#
# A temperature of 0.5 doubles the logits, and so squares the powers.

# %%
plain = torch.tensor([0.4, 0.3, 0.2, 0.1])
logits = plain.log()[None]

squared = plain**2 / (plain**2).sum()
print("temperature 0.5:", [round(p, 3) for p in squared.tolist()])


def nucleus(of, share):
    """The likeliest tokens, up to the one with which they reach `share`."""
    order = of.argsort(descending=True)
    before = of[order].cumsum(0) - of[order]
    stay = torch.zeros_like(of)
    stay[order[before < share]] = 1
    return of * stay / (of * stay).sum()


print("top-p 0.75:     ", [round(p, 3) for p in nucleus(plain, 0.75).tolist()])
print("both:           ", [round(p, 3) for p in nucleus(squared, 0.75).tolist()])

# %% [markdown]
# ## With ruvon

# %%
for params, by_hand in (
    ({"temperature": 0.5}, squared),
    ({"top_p": 0.75}, nucleus(plain, 0.75)),
    ({"temperature": 0.5, "top_p": 0.75}, nucleus(squared, 0.75)),
):
    assert torch.allclose(chances(logits, [row(**params)])[0], by_hand, atol=1e-6), params
print("equal")

# %% [markdown]
# ## Drawing
#
# Lay the chances end to end on a line from 0 to 1, and see in whose stretch the number falls.

# %%
names = "abcd"
for params in ({}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.75}):
    made = chances(logits, [row(**params)])
    token = int(inverse_cdf(made, torch.tensor([[0.5]])))
    ends = [round(end, 3) for end in made[0].cumsum(0).tolist()]
    print(f"{params!s:22} ends at {ends}: 0.5 draws {names[token]}")

# %% [markdown]
# The number itself depends on the seed, the choice and the position, and on nothing else.

# %%
print([round(uniform(3, 0, position), 3) for position in range(5)])
print([round(uniform(3, 1, position), 3) for position in range(5)], "the next choice")
assert uniform(3, 0, 2) == uniform(3, 0, 2)

# %% [markdown]
# ## Draws follow the chances
#
# 5,000 positions of one seed. Predict how often a comes.

# %%
places = [Row(SamplingParams(temperature=1.0, seed=7), range(n), 1) for n in range(1, 5001)]
counts = torch.bincount(stochastic(logits.expand(5000, 4), places).ids, minlength=4)
print(dict(zip(names, counts.tolist(), strict=True)))
due = plain * 5000
chi_square = float(((counts - due) ** 2 / due).sum())
print(f"chi-square {chi_square:.2f}; the 99.9 % quantile is 16.27")
assert chi_square < 16.27

# %% [markdown]
# ## A real distribution
#
# The same knobs after a real beginning. Sweep one: how does the kept set grow with top-p?


# %%
def after(text):
    return step(model, FullAttention(), tokenizer.encode(text)).float()


flat, peaked = after("Lily was very"), after("Once upon a time, there was a little girl named")
for share in (0.5, 0.7, 0.9, 0.95, 0.99):
    sizes = [int((chances(of, [row(top_p=share)]) > 0).sum()) for of in (flat, peaked)]
    print(f"top-p {share:4}: {sizes[0]:4} tokens where it is flat, {sizes[1]:3} where it is peaked")
for share in (0.3, 0.1, 0.05, 0.01):
    sizes = [int((chances(of, [row(min_p=share)]) > 0).sum()) for of in (flat, peaked)]
    print(f"min-p {share:4}: {sizes[0]:4} tokens where it is flat, {sizes[1]:3} where it is peaked")

# %% [markdown]
# ## The invariant: a row draws the same in any company

# %%
together = torch.cat([flat, peaked, flat, peaked])
each = [row(seed=1), row(seed=2, top_k=5), row(temperature=0.0), row(seed=4, top_p=0.9)]
ids = stochastic(together, each).ids.tolist()
alone = [int(stochastic(together[n : n + 1], [each[n]]).ids) for n in range(4)]
print([tokenizer.decode([i]) for i in ids])
assert ids == alone

# %% [markdown]
# ## Break it: one generator for all rows
#
# Predict: which rows change when the first one leaves?


# %%
def shared(logits, rows, seed=3):
    numbers = torch.rand(len(rows), 1, generator=torch.Generator().manual_seed(seed))
    return inverse_cdf(chances(logits, rows), numbers)


warm = [row() for _ in range(4)]
flats = flat.expand(4, -1)
with_first = shared(flats, warm).tolist()
without = shared(flats[1:], warm[1:]).tolist()
print("with   ", [tokenizer.decode([i]) for i in with_first])
print("without", "          ", [tokenizer.decode([i]) for i in without])
assert with_first[1:] != without, "each row has its neighbour's number now"

seeds = [row(seed=n) for n in range(4)]
assert stochastic(flats, seeds).ids.tolist()[1:] == stochastic(flats[1:], seeds[1:]).ids.tolist()
print("with a number for each seed, choice and position: nothing changes")

# %% [markdown]
# ## Break the order: the temperature after the filters

# %%
right = chances(flat, [row(temperature=2.0, top_p=0.7)])
filtered = kept(flat, [row(top_p=0.7)])
wrong = filtered.sqrt() / filtered.sqrt().sum()
print("temperature 2, then top-p 0.7:", int((right > 0).sum()), "tokens kept")
print("top-p 0.7, then temperature 2:", int((wrong > 0).sum()), "tokens kept")
assert int((right > 0).sum()) > int((wrong > 0).sum())

# %% [markdown]
# Both are in use: the second is llama.cpp's default. The same two numbers mean different texts.
#
# ## Penalties, and why a negative logit is multiplied

# %%
seen = row([0, 1], prompt=1, repetition_penalty=2.0)
print(adjusted(torch.tensor([[1.0, -1.0, 1.0]]), [seen])[0].tolist())
print("divided, the second would be -0.5: likelier than before")

# %% [markdown]
# ## Stories

# %%
for params in ({}, {"temperature": 0.8, "seed": 3}, {"temperature": 2.0, "seed": 3}):
    [out] = llm.generate("Once upon a time", max_tokens=30, **params)
    print(params, "\n  ", " ".join(out.outputs[0].text.split()))

# %%
[out] = llm.generate("The dog", temperature=0.8, top_p=0.95, seed=5, n=3, max_tokens=16)
for made in out.outputs:
    print(made.index, repr(made.text))
assert len({made.text for made in out.outputs}) == 3
