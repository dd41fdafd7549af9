"""Bytes from tensors without memory, tokens and passes from a small model that really runs."""

from pathlib import Path

import torch
from checking import original

HERE = Path(__file__).parent
META = torch.device("meta")
# Layers, query heads, key heads, head_dim.
A, B = (20, 16, 16, 64), (40, 32, 2, 128)
REQUEST, GPU = 1000, 4_000_000_000
PROMPT, NEW = 50, 10
LONG, CHUNK = 1000, 300


def check(exam):
    weights = weights_of_a()
    assert f"| {weights.numel:,} |" in (HERE / "README.md").read_text(), "the text is not of A"
    memory_questions(exam, weights)
    work_questions(exam, weights)


def memory_questions(exam, weights):
    """What a token, a request, and a full GPU hold."""
    token, other = cache_bytes(*A, 1), cache_bytes(*B, 1)
    layers, _, heads, dim = A
    exam.answer(
        "token_bytes",
        token,
        {
            token // 2: "A key and a value, and 2 bytes for each number: are both in it?",
            token // layers: "That is one layer.",
            token // heads: "That is one head of each layer.",
            token // dim: "Each head has head_dim numbers.",
            token * 2: "16 bits are 2 bytes.",
        },
    )
    request = cache_bytes(*A, REQUEST)
    exam.answer(
        "request_bytes",
        request,
        {token: "That is one token.", token * 1024: "The request has 1,000 tokens."},
    )
    requests_question(exam, weights, request)
    exam.answer(
        "more",
        "A" if token > other else "B",
        {"B" if token > other else "A": "Which heads have keys and values of their own?"},
    )
    queries = cache_bytes(B[0], B[1], B[1], B[3], 1)
    large, small = max(token, other), min(token, other)
    exam.answer(
        "factor",
        large // small,
        {
            A[2] // B[2]: "Query heads leave nothing. Layers, key heads and head_dim all count.",
            A[2] * A[3] // (B[2] * B[3]): "The number of layers counts as well.",
            queries // other: "Query heads leave nothing in the cache.",
        },
    )
    assert large == small * (large // small)


def requests_question(exam, weights, request):
    """How many fit. 41.8 is a good sum, and no good answer."""
    got = exam.answers.get("requests")
    if isinstance(got, float) and not got.is_integer():
        with exam.case("requests"):
            exam.need(False, "Only whole requests count.", yours=got)
        return
    fit = (GPU - weights.nbytes) // request
    exam.answer(
        "requests",
        fit,
        {
            GPU // request: "The weights take memory, too.",
            (GPU - weights.numel) // request: "A weight takes 2 bytes.",
            fit + 1: "The last one does not fit whole.",
            (2**32 - weights.nbytes) // request: "The GPU has 4,000,000,000 bytes.",
        },
    )


def work_questions(exam, weights):
    """What is computed, in how many passes, and what these read."""
    full, cached = (fed(way, PROMPT, NEW, [PROMPT]) for way in ("full", "cached"))
    growing = sum(full)
    exam.answer(
        "computed_without",
        growing,
        {
            PROMPT + NEW: "Without a cache each pass computes the whole text again.",
            sum(cached): "That is with a cache.",
            PROMPT * NEW: "The text grows by a token from pass to pass.",
            (PROMPT + NEW) * NEW: "The text is that long only at the end.",
            growing + NEW: "The first pass computes the prompt alone.",
            growing + PROMPT + NEW: "The last new token is never fed.",
        },
    )
    exam.answer(
        "computed_with",
        sum(cached),
        {
            PROMPT + NEW: "The last new token is never fed.",
            NEW: "The prompt is computed, too.",
            NEW - 1: "The prompt is computed, too.",
            growing: "That is without a cache.",
        },
    )
    exam.answer(
        "passes",
        len(cached),
        {
            NEW + 1: "The pass over the prompt gives a new token already.",
            NEW - 1: "The pass over the prompt is one of them.",
            sum(cached): "The prompt takes one pass, not one a token.",
            PROMPT + NEW: "The prompt takes one pass, not one a token.",
        },
    )
    chunks = fed("cached", LONG, 1, [*range(CHUNK, LONG, CHUNK), LONG])
    exam.answer(
        "chunk_passes",
        len(chunks),
        {
            LONG // CHUNK: "Some tokens are left over, and they have to be computed as well.",
            CHUNK: "A pass computes a whole chunk.",
            LONG: "A pass computes a whole chunk.",
            len(chunks) + 1: "The last chunk gives the first new token itself.",
        },
    )
    exam.answer(
        "step_bytes",
        weights.nbytes,
        {
            weights.numel: "That is how many weights there are. Each has 2 bytes.",
            weights.numel * 4: "16 bits are 2 bytes.",
            weights.nbytes // A[0]: "All layers are read.",
            weights.nbytes + cache_bytes(*A, REQUEST): "It asks for the weights alone.",
        },
    )
    token = cache_bytes(*A, 1)
    longest = weights.nbytes // token + 1
    exam.answer(
        "long_tokens",
        longest,
        {
            longest - 1: "So many are still a little less than the weights.",
            weights.numel // token + 1: "Weights have 2 bytes each, too.",
            weights.numel // token: "Weights have 2 bytes each, too.",
        },
    )


class Counted:
    """How many numbers, and how many bytes."""

    def __init__(self, tensors):
        self.numel = sum(t.numel() for t in tensors)
        self.nbytes = sum(t.nbytes for t in tensors)


def weights_of_a():
    """Every tensor of a GPT-2 of A's shape, none of them in memory."""
    from ruvon.models.gpt2 import GPT2
    from ruvon.models.gpt2 import GPT2Config
    from ruvon.models.layers import DenseLinear
    from ruvon.models.layers import LayerNorm
    from ruvon.models.random import RandomLoader

    made = []

    class Empty(RandomLoader):
        def __init__(self):
            self.dtype, self.device, self.tables = torch.float16, META, {}

        def normal(self, *shape):
            made.append(torch.empty(shape, dtype=self.dtype, device=META))
            return made[-1]

        def linear(self, name, inputs, outputs):
            return DenseLinear(self.normal(outputs, inputs), self.normal(outputs))

        def norm(self, name, width, eps):
            return LayerNorm(self.normal(width), self.normal(width), eps)

    layers, heads, _, dim = A
    config = GPT2Config(32000, n_positions=2048, n_embd=heads * dim, n_layer=layers, n_head=heads)
    model = GPT2(config, Empty())
    assert [(s.heads, s.kv_heads, s.head_dim) for s in model.layers] == [A[1:]] * layers
    return Counted(made)


def cache_bytes(layers, heads, kv_heads, dim, tokens):
    """What the tensors of a cache take in 16 bits; the engine's formula has to say the same."""
    from ruvon.seams import LayerSpec

    memory = original("ruvon/memory/contiguous.py", part=3)
    specs = [LayerSpec(i, heads, kv_heads, dim, dim**-0.5) for i in range(layers)]
    cache = memory.ContiguousCache(specs, tokens, torch.float16, META)
    held = Counted([*cache.keys, *cache.values]).nbytes
    assert held == tokens * memory.bytes_per_token(specs, torch.float16)
    return held


@torch.inference_mode()
def fed(way, prompt, new, ends):
    """Run a small model: the prompt in chunks with these ends. -> tokens of each pass."""
    from ruvon.attention.full import FullAttention
    from ruvon.engine.generate import step
    from ruvon.models.gpt2 import GPT2
    from ruvon.models.gpt2 import GPT2Config
    from ruvon.models.random import RandomLoader

    config = GPT2Config(vocab_size=32, n_positions=prompt + new, n_embd=8, n_layer=1, n_head=1)
    model = GPT2(config, RandomLoader(torch.float32, torch.device("cpu")))
    attention = FullAttention()
    if way == "cached":
        room = original("ruvon/memory/contiguous.py", part=3).ContiguousCache(
            model.layers, prompt + new, model.dtype, model.device
        )
        attention = original("ruvon/attention/cached.py", part=3).CachedAttention(room)
    passes = []
    model.final_norm = lambda x, norm=model.final_norm: (passes.append(len(x)), norm(x))[1]
    known = [1] * prompt
    for end in ends[:-1]:
        step(model, attention, known[:end])
    while len(known) < prompt + new:
        known.append(int(step(model, attention, known).argmax()))
    return passes
