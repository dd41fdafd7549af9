# %% [markdown]
# # Part 3: KV cache, one request
#
# What attention needs of old tokens never changes. So keep it, and compute every token once.
# The [article](../parts/03/README.md) tells the story; here you do it by hand, break it, and see
# what falls.

# %%
from ruvon.course import use

use(3)

# %%
import torch

from ruvon.attention.cached import CachedAttention
from ruvon.attention.full import FullAttention
from ruvon.engine.generate import step
from ruvon.memory.contiguous import CacheFull
from ruvon.memory.contiguous import ContiguousCache
from ruvon.memory.contiguous import bytes_per_token
from ruvon.models import load_model
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

folder = locate("story")
tokenizer, model = Tokenizer.from_dir(folder), load_model(folder, torch.float32)
ids = tokenizer.encode("Once upon a time, there was a little girl")
print(len(ids), "tokens,", len(model.layers), "layers")

# %% [markdown]
# ## Predict
#
# Write down your guesses.
#
# 1. Ten new tokens after this prompt: how many tokens does Part 2 compute? How many does a cache?
# 2. How many bytes does one token leave in this model's cache, in float32?

# %%
new = 10
print("Part 2:", sum(len(ids) + n for n in range(new)), "  cached:", len(ids) + new - 1)
layer = model.layers[0]
print(2, "x", len(model.layers), "x", layer.kv_heads, "x", layer.head_dim, "x", 4)
assert bytes_per_token(model.layers, model.dtype) == (
    2 * len(model.layers) * layer.kv_heads * layer.head_dim * 4
)

# %% [markdown]
# ## By hand: three tokens, then a fourth
#
# One head, one number a head, every query 1, scale 1. The keys are 0, ln 2, 0, so e to the
# score is 1, 2, 1.

# %%
ln2 = torch.tensor(2.0).log()
keys = torch.stack([0 * ln2, ln2, 0 * ln2, ln2])
values = torch.tensor([4.0, 8.0, 12.0, 2.0])

out_c = (keys[:3] * 1.0).softmax(0) @ values[:3]
out_d = (keys[:4] * 1.0).softmax(0) @ values[:4]
print("c:", out_c.item(), " d:", out_d.item())
assert torch.allclose(out_c, torch.tensor(8.0))
assert torch.allclose(out_d, torch.tensor(6.0))

# %% [markdown]
# Computing d used the keys and values of a, b and c. It did not use their queries, and it
# did not change c.
#
# ## By hand, with one real layer
#
# Take random q, k and v for six tokens of one layer. First all six at once, by the reference.
# Then the sixth alone, with two tensors that hold what the first five left.

# %%
torch.manual_seed(0)
shape = (6, layer.heads, layer.head_dim)
q, k, v = torch.randn(shape), torch.randn(shape), torch.randn(shape)

reference = FullAttention()
reference.prepare([Span(0, 6)])
everything = reference(layer, q, k, v)

kept_keys, kept_values = k[:5], v[:5]  # the cache, by hand
all_keys = torch.cat([kept_keys, k[5:]])
all_values = torch.cat([kept_values, v[5:]])
scores = torch.einsum("hd,shd->hs", q[5], all_keys) * layer.scale
by_hand = torch.einsum("hs,shd->hd", scores.softmax(-1), all_values)
assert torch.allclose(by_hand, everything[5], atol=1e-5)
print("the sixth row is the same")

# %% [markdown]
# ## With ruvon

# %%
cache = ContiguousCache(model.layers, 6, model.dtype, model.device)
attention = CachedAttention(cache)
attention.prepare([Span(0, 5)])
first_five = attention(layer, q[:5], k[:5], v[:5])
attention.prepare([Span(5, 1)])
sixth = attention(layer, q[5:], k[5:], v[5:])
assert torch.allclose(sixth[0], by_hand, atol=1e-5)
assert torch.allclose(first_five, everything[:5], atol=1e-5)
print("by hand, by the cache and by the reference: equal")

# %% [markdown]
# ## A trace: prefill in two chunks, then three steps

# %%
cache = ContiguousCache(model.layers, len(ids) + 3, model.dtype, model.device)
attention = CachedAttention(cache)
known = list(ids)
for end in (4, len(ids), len(ids) + 1, len(ids) + 2, len(ids) + 3):
    before = cache.length
    logits = step(model, attention, known[:end])
    row = "#" * before + "+" * (cache.length - before) + "." * (cache.capacity - cache.length)
    print(f"start {before:2}  count {cache.length - before}  {row}")
    if end >= len(ids):
        known.append(int(logits.argmax()))
print(tokenizer.decode(known))
assert cache.length == len(known) - 1, "the last token is known and not computed"

# %% [markdown]
# The cache is full now. A step is refused before the model runs, and nothing has changed.

# %%
try:
    step(model, attention, known)
    raise AssertionError("it was not refused")
except CacheFull as error:
    print(error)
assert cache.length == cache.capacity


# %% [markdown]
# ## The invariant: any split gives the same logits
#
# Sweep the chunk size. The logits at every position must equal those of full attention.


# %%
@torch.inference_mode()
def logits_in_chunks(ids, size, attention, shift=lambda positions: positions):
    rows = []
    for start in range(0, len(ids), size):
        piece = ids[start : start + size]
        attention.prepare([Span(start, len(piece))])
        positions = shift(torch.arange(start, start + len(piece)))
        rows.append(model.logits(model(torch.tensor(piece), positions, attention)))
    return torch.cat(rows)


def new_cache():
    return CachedAttention(ContiguousCache(model.layers, len(known), model.dtype, model.device))


truth = logits_in_chunks(known, len(known), FullAttention())
for size in (1, 2, 3, 5, 8, len(known)):
    apart = (logits_in_chunks(known, size, new_cache()) - truth).abs().max().item()
    print(f"chunks of {size:2}: within 1e-3 of the truth: {apart < 1e-3}")
    assert apart < 1e-3

# %% [markdown]
# ## Break one line: positions restart
#
# Predict: which chunk size still gives the right logits?

# %%
wrong = {}
for size in (1, 3, 8, len(known)):
    bug = logits_in_chunks(known, size, new_cache(), shift=lambda p: p - p[0])
    wrong[size] = (bug - truth).abs().max().item()
    print(f"chunks of {size:2}: largest difference {wrong[size]:.1f}")
assert wrong[len(known)] < 1e-3, "one pass has nothing to restart"
assert all(apart > 1 for size, apart in wrong.items() if size < len(known))

# %% [markdown]
# One pass is right. That is why the first new token of a broken engine looks fine.
#
# ## Break another: the mask of a chunk
#
# `ones.tril(total - new)` lets the first new token see what is kept, and itself. Forget the
# offset, as `is_causal=True` would with fewer queries than keys, and it sees only slot 0.

# %%
import sys

room = sys.modules[CachedAttention.__module__]
right = room.causal_mask
print(right(2, 5, torch.device("cpu")).int())


def without_offset(new, total, device):
    return torch.ones(new, total, dtype=torch.bool, device=device).tril()


room.causal_mask = without_offset
wrong = {}
for size in (1, 3, 8, len(known)):
    wrong[size] = (logits_in_chunks(known, size, new_cache()) - truth).abs().max().item()
    print(f"chunks of {size:2}: largest difference {wrong[size]:.1f}")
room.causal_mask = right
assert wrong[1] < 1e-3 and wrong[len(known)] < 1e-3, "neither needs the mask"
assert wrong[3] > 0.1

# %% [markdown]
# One token at a time is right, and one pass is right. Only the sizes between fall. A test
# of the two ends would have passed: so the tests of this part try every split.
#
# ## A knob: what would a request of this length cost?

# %%
for tokens in (16, 64, 256, model.context):
    room_for = ContiguousCache(model.layers, tokens, model.dtype, model.device).stats()
    print(f"{tokens:4} tokens: {room_for.allocated:9,} bytes")
    assert room_for.allocated == tokens * bytes_per_token(model.layers, model.dtype)
