# %% [markdown]
# # Part 1: tokenizer and a single forward pass
#
# Text becomes integers, and integers become a probability for each integer that could follow.
# We do both by hand with plain tensors, then with Ruvon, and assert that they agree.

# %%
from ruvon.course import use

use(1)

# %%
from itertools import pairwise
from math import inf

import regex
import torch
import torch.nn.functional as F

from ruvon.attention.full import FullAttention
from ruvon.models import load_model
from ruvon.models import read_shape
from ruvon.models.weights import Checkpoint
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

torch.set_grad_enabled(False)
folder = locate("story")
tokenizer = Tokenizer.from_dir(folder)
print(tokenizer.vocab_size, "tokens in the vocabulary")

# %% [markdown]
# ## 1. Bytes, and merges
#
# **Predict.** How many bytes has `café`? How many characters?

# %%
print(list("café".encode()), len("café"))

# %% [markdown]
# Byte-level BPE begins with these bytes. Then it merges the two neighbours with the lowest rank,
# again and again, until no pair is in the vocabulary.


# %%
def bpe(piece, ranks, show=False):
    tokens = [bytes([byte]) for byte in piece.encode()]
    while True:
        if show:
            print(" | ".join(token.decode(errors="replace") for token in tokens))
        pairs = [left + right for left, right in pairwise(tokens)]
        best = min(pairs, key=lambda pair: ranks.get(pair, inf), default=None)
        if best not in ranks:
            return [ranks[token] for token in tokens]
        at = pairs.index(best)
        tokens[at : at + 2] = [best]


bpe(" dragons", tokenizer.ranks, show=True)

# %% [markdown]
# A regex cuts the text into pieces first. No merge crosses from one piece into the next.

# %%
pieces = regex.findall(tokenizer.pattern, "Tom's 2 dragons  smiled.")
print(pieces)

# %% [markdown]
# **Predict.** Is our function, run over the pieces, the same as tiktoken, for any text?

# %%
TEXTS = [
    "Once upon a time, there was a tiny dragon named",
    "Tom's 2 dragons  smiled.\r\n\tThe end",
    "café, 🙂, 日本語, and \x00",
    "<|endoftext|> is text when somebody types it",
]
for text in TEXTS:
    by_hand = [
        token
        for piece in regex.findall(tokenizer.pattern, text)
        for token in bpe(piece, tokenizer.ranks)
    ]
    assert by_hand == tokenizer.encode(text)
    assert tokenizer.decode(by_hand) == text
    print(f"{len(text.encode()):3} bytes, {len(by_hand):3} tokens  {text!r}")

# %% [markdown]
# ## 2. Attention with whole numbers
#
# Three tokens, one number each. Queries are 1; keys are ln 1, ln 2, ln 3; values are 6, 12, 0.
# The weights of the third token are 1/6, 2/6, 3/6.
#
# **Predict.** What comes out for each token, if none may look ahead?

# %%
q, k = torch.ones(3), torch.log(torch.tensor([1.0, 2.0, 3.0]))
v = torch.tensor([6.0, 12.0, 0.0])
scores = q[:, None] * k[None, :]
ahead = torch.ones(3, 3, dtype=torch.bool).triu(1)
weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
print(weights)
print(weights @ v)

# %% [markdown]
# Ruvon's plainest attention wants `[T, heads, head_dim]`, and what it may know of the layer.

# %%
from ruvon.seams import LayerSpec

one = LayerSpec(index=0, heads=1, kv_heads=1, head_dim=1, scale=1.0)
out = FullAttention()(one, *(t.view(3, 1, 1) for t in (q, k, v)))
torch.testing.assert_close(out.flatten(), weights @ v)
out.flatten()

# %% [markdown]
# ## 3. The whole network by hand
#
# The weights are a file of named tensors. GPT-2 stores its projections as `[inputs, outputs]`.

# %%
checkpoint, shape = Checkpoint(folder), read_shape(folder)
W = {
    name: checkpoint.files[file].get_tensor(checkpoint.full_name[name]).float()
    for name, file in checkpoint.home.items()
}
for name in ("wte.weight", "wpe.weight", "h.0.attn.c_attn.weight", "h.0.mlp.c_fc.weight"):
    print(f"{name:24} {list(W[name].shape)}")
print(f"{sum(t.numel() for t in W.values()):,} numbers in {len(W)} tensors")


# %%
def norm(x, name):
    return F.layer_norm(x, x.shape[-1:], W[f"{name}.weight"], W[f"{name}.bias"], 1e-5)


def project(x, name):
    return x @ W[f"{name}.weight"] + W[f"{name}.bias"]


def forward_by_hand(ids, masked=True):
    T, heads = len(ids), shape.n_head
    x = W["wte.weight"][ids] + W["wpe.weight"][:T]
    ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
    for i in range(shape.n_layer):
        qkv = project(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn")
        q, k, v = (t.view(T, heads, -1).transpose(0, 1) for t in qkv.chunk(3, dim=-1))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5  # [heads, T, T]
        if masked:
            scores = scores.masked_fill(ahead, float("-inf"))
        seen = (scores.softmax(-1) @ v).transpose(0, 1).reshape(T, -1)
        x = x + project(seen, f"h.{i}.attn.c_proj")
        inner = F.gelu(project(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh")
        x = x + project(inner, f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ W["wte.weight"].T  # the head is the embedding table again


# %% [markdown]
# **Predict.** The prompt has T tokens. Which shape have the logits of all rows?

# %%
prompt = "Once upon a time, there was a tiny dragon named"
ids = tokenizer.encode(prompt)
by_hand = forward_by_hand(ids)
print(len(ids), "tokens ->", list(by_hand.shape))

# %% [markdown]
# Now the same with Ruvon: tokens, positions, and attention as an argument.

# %%
model = load_model(folder)
hidden = model(torch.tensor(ids), torch.arange(len(ids)), FullAttention())
logits = model.logits(hidden)
print("largest difference", f"{(by_hand - logits).abs().max():.0e}")
assert (by_hand - logits).abs().max() < 1e-3

# %% [markdown]
# For the next token one row is enough. It is the same row.

# %%
last = model.logits(hidden[-1:])
torch.testing.assert_close(last[0], logits[-1], atol=1e-4, rtol=1e-4)
chances = last.softmax(-1)[0].topk(5)
for chance, token in zip(chances.values.tolist(), chances.indices.tolist(), strict=True):
    print(f"{chance:6.1%}  {token:5}  {tokenizer.decode([token])!r}")

# %% [markdown]
# ## 4. A trace
#
# Attention is an argument, so we can hand in one that writes down what it sees. The model does
# not know.


# %%
class Tracing(FullAttention):
    def __init__(self):
        self.calls = []

    def __call__(self, layer, q, k, v):
        out = super().__call__(layer, q, k, v)
        self.calls.append((layer.index, list(q.shape), list(k.shape), list(out.shape)))
        return out


tracing = Tracing()
traced = model(torch.tensor(ids), torch.arange(len(ids)), tracing)
assert torch.equal(traced, hidden)
for call in tracing.calls:
    print("layer {}: q {}, k {} -> {}".format(*call))

# %% [markdown]
# And every row guesses, not only the last:

# %%
for token, best in zip(ids, logits.argmax(-1).tolist(), strict=True):
    print(f"{tokenizer.decode([token])!r:10} then perhaps {tokenizer.decode([best])!r}")

# %% [markdown]
# ## 5. Turn a knob: the length
#
# **Predict.** The prompt becomes twice as long. What happens to the operations of the weights?
# And of attention?

# %%
d, layers, inner = shape.n_embd, shape.n_layer, shape.inner
print("tokens   weights, GFLOP   attention, GFLOP   attention's share")
for T in (16, 32, 64, 128, 256, 512):
    in_weights = 2 * layers * (4 * d * d + 2 * d * inner) * T / 1e9
    in_attention = 4 * layers * d * T * T / 1e9
    share = in_attention / (in_weights + in_attention)
    print(f"{T:6} {in_weights:16.3f} {in_attention:18.3f} {share:19.0%}")

# %% [markdown]
# ## 6. Break one line
#
# The invariant of causality: change a token, and no row before it changes.


# %%
def rows_changed(masked, changed):
    other = [*ids]
    other[changed] = tokenizer.encode(" cat")[0]
    before, after = forward_by_hand(ids, masked), forward_by_hand(other, masked)
    return [t for t in range(len(ids)) if not torch.allclose(before[t], after[t], atol=1e-4)]


changed = len(ids) - 3
assert rows_changed(True, changed) == list(range(changed, len(ids)))
print("with the mask, token", changed, "changes rows", rows_changed(True, changed))

# %% [markdown]
# **Predict.** Leave out the `masked_fill`. Does it crash? Which rows change?

# %%
fallen = rows_changed(False, changed)
print("without it, rows", fallen)
assert min(fallen) < changed, "the invariant should have fallen"
top = forward_by_hand(ids, masked=False)[-1].topk(5).indices.tolist()
print("and the guesses still look like guesses:", [tokenizer.decode([t]) for t in top])

# %% [markdown]
# Nothing crashed, every shape is right, and the model is wrong. Only the invariant says so.
#
# The pass remembers nothing. To get the token after the next one, all of it runs again: that is
# Part 2.
