"""Tiny layers, run by the learner's model and in Python's own numbers."""

import math
from functools import partial

import torch

# T, heads, head_dim, the activation: the smallest first.
SHAPES = (
    (1, 1, 2, "relu"),
    (2, 1, 4, "gelu_new"),
    (1, 2, 2, "gelu_new"),
    (2, 2, 2, "relu"),
    (3, 4, 2, "gelu_new"),
    (4, 2, 3, "relu"),
)
NOT_PLAIN = "It is not what a plain computation gives."


def check(exam):
    from ruvon.models.gpt2 import GPT2
    from ruvon.models.gpt2 import GPT2Config
    from ruvon.models.layers import DenseEmbedding
    from ruvon.models.layers import DenseLinear
    from ruvon.models.layers import LayerNorm

    generator = torch.Generator().manual_seed(1)

    def some(*shape):
        return (torch.randn(*shape, generator=generator) * 10).round() / 10

    class Loader:
        """Round weights, so large that every piece makes a difference."""

        dtype, device = torch.float32, torch.device("cpu")

        def linear(self, name, inputs, outputs):
            return DenseLinear(some(outputs, inputs), some(outputs))

        def embedding(self, name, rows, width):
            return DenseEmbedding(some(rows, width))

        def norm(self, name, width, eps):
            return LayerNorm(1 + some(width), some(width), eps)

        def head(self, name, inputs, outputs):
            return DenseLinear(some(outputs, inputs))

    def layer(heads, head_dim, activation):
        d = heads * head_dim
        return GPT2(GPT2Config(9, 8, d, 1, heads, d + 2, activation, 1e-3), Loader()).blocks[0]

    for T in (1, 2):
        block = layer(2, 2, "relu")
        block.attention_norm = block.mlp_norm = lambda x: x
        block.qkv.weight = torch.cat([torch.eye(4), torch.zeros(4, 4), 10 * torch.eye(4)])
        block.attention_out.weight = torch.eye(4)
        block.mlp_out.weight = torch.zeros(4, 6)
        for piece in (block.qkv, block.attention_out, block.mlp_out):
            piece.bias = torch.zeros(len(piece.weight))
        run(exam, block, torch.arange(1.0, 4 * T + 1).view(T, 4), "v is ten times x")
    for T, heads, head_dim, activation in SHAPES:
        block = layer(heads, head_dim, activation)
        run(exam, block, 2 * some(T, heads * head_dim), f"random weights, {activation}")


def run(exam, block, x, told):
    """One layer, on a copy of x, with attention by hand."""
    heads = block.spec.heads
    shape = [len(x), heads, block.spec.head_dim]
    asked = []

    def attention(spec, q, k, v):
        asked.append(spec)
        exam.need(spec is block.spec, "Attention is told of another layer than this one.")
        for name, t in (("q", q), ("k", k), ("v", v)):
            exam.need(
                list(t.shape) == shape,
                f"Attention has to get {name} as [T, heads, head_dim].",
                **{f"{name} has": list(t.shape), "should have": shape},
            )
        seen = torch.tensor(attend(q.tolist(), k.tolist(), v.tolist(), spec.scale))
        # In memory head by head, as a product of matrices may leave it.
        return seen.transpose(0, 1).contiguous().transpose(0, 1)

    with exam.case(f"one layer, {heads} head{'s' * (heads > 1)}: {told}", x=x):
        given = x.clone()
        by_hand = partial(plainly, block, x.tolist())
        got = block(given, attention)
        exam.equal(got, torch.tensor(by_hand()), partial(mistakes, by_hand), NOT_PLAIN)
        exam.need(torch.equal(given, x), "x is changed in place. It belongs to the caller.")
        exam.need(len(asked) == 1, "A layer asks for attention once.", asked=len(asked))


def mistakes(by_hand):
    """What known mistakes make of the same layer."""
    every = {"q": interleaved, "k": interleaved, "v": interleaved}
    across = dict.fromkeys(every, across_tokens)
    twists = {
        "The bug is still there: with one head all is well, with two it is not.": every,
        "It goes in mixed and comes out sorted. That helps a single token, but each head still "
        "works on numbers of other heads.": every | {"joined": interleaved},
        "q, k and v are right now. What the heads give is laid together in another order.": {
            "joined": interleaved
        },
        "Numbers of different tokens meet in one head: each row has to be cut by itself.": across,
        "Numbers of different tokens meet in one head, and again when the heads are laid together. "
        "Each row has to be cut by itself.": across | {"joined": across_tokens},
        "When the heads are laid together, numbers of different tokens meet.": {
            "joined": across_tokens
        },
        "The first third of a row is the q of all heads, then comes k, then v.": {"by_head": True},
        "The heads are right now. But x is not added to what attention gives.": {"add": 0},
        "The heads are right now. But x is added twice to what attention gives.": {"add": 2},
        "The heads are right now. But what the MLP takes is not added to what it gives.": {
            "add_mlp": 0
        },
        "The heads are right now. But the norm's result is added to what attention gives, "
        "where x itself should be.": {"add": "normed"},
        "The heads are right now. But the norm's result is added to what the MLP gives, "
        "where x itself should be.": {"add_mlp": "normed"},
        "The heads are right now. But the norm before attention is missing.": {"norm": False},
        "The heads are right now. But the norm before the MLP is missing.": {"norm_mlp": False},
        "The heads are right now. But the MLP has lost its activation.": {"active": False},
    }
    for one in every:
        two = " and ".join(name for name in every if name != one)
        twists[f"{one} is cut rightly now; {two} are not."] = every | {one: side_by_side}
        twists[f"{two} are cut rightly now; {one} is not."] = {one: interleaved}
    right = torch.tensor(by_hand())
    made = {why: torch.tensor(by_hand(**twist)) for why, twist in twists.items()}
    # In small layers some mistakes make no difference. Then they are none.
    return {why: out for why, out in made.items() if not torch.allclose(out, right)}


# Where number i of head h of token t stands in the rows.


def side_by_side(t, h, i, T, heads, head_dim):
    return t, h * head_dim + i


def interleaved(t, h, i, T, heads, head_dim):
    return t, i * heads + h


def across_tokens(t, h, i, T, heads, head_dim):
    return divmod((h * T + t) * head_dim + i, heads * head_dim)


def plainly(
    block,
    x,
    q=side_by_side,
    k=side_by_side,
    v=side_by_side,
    joined=side_by_side,
    by_head=False,
    norm=True,
    norm_mlp=True,
    active=True,
    add=1,
    add_mlp=1,
):
    """One layer on lists of numbers, with the known mistakes as options."""
    T, d, heads, head_dim = len(x), len(x[0]), block.spec.heads, block.spec.head_dim
    sizes = (T, heads, head_dim)
    places = [(t, h, i) for t in range(T) for h in range(heads) for i in range(head_dim)]
    normed = [layer_norm(row, block.attention_norm) for row in x]
    rows = [linear(row, block.qkv) for row in (normed if norm else x)]
    cut = []
    for third, place in enumerate((q, k, v)):
        cut.append([[[0.0] * head_dim for _ in range(heads)] for _ in range(T)])
        for t, h, i in places:
            row, column = place(t, h, i, *sizes)
            column = (h * 3 + third) * head_dim + i if by_head else third * d + column
            cut[third][t][h][i] = rows[row][column]
    seen = attend(*cut, block.spec.scale)
    together = [[0.0] * d for _ in range(T)]
    for t, h, i in places:
        row, column = joined(t, h, i, *sizes)
        together[row][column] = seen[t][h][i]
    x = plus([linear(row, block.attention_out) for row in together], x, normed, add)
    normed = [layer_norm(row, block.mlp_norm) for row in x]
    inner = [linear(row, block.mlp_in) for row in (normed if norm_mlp else x)]
    if active:
        inner = [[bend(number, block.activation) for number in row] for row in inner]
    return plus([linear(row, block.mlp_out) for row in inner], x, normed, add_mlp)


def plus(rows, x, normed, times):
    """Add x so many times, or once what its norm gave."""
    other, times = (normed, 1) if times == "normed" else (x, times)
    return [
        [a + times * b for a, b in zip(row, more, strict=True)]
        for row, more in zip(rows, other, strict=True)
    ]


def attend(q, k, v, scale):
    """Causal attention: lists [T][heads][head_dim] in and out."""
    out = []
    for t, heads in enumerate(q):
        out.append([])
        for h, query in enumerate(heads):
            powers = [
                math.exp(scale * sum(a * b for a, b in zip(query, k[s][h], strict=True)))
                for s in range(t + 1)
            ]
            sums = [sum(p * v[s][h][i] for s, p in enumerate(powers)) for i in range(len(query))]
            out[t].append([number / sum(powers) for number in sums])
    return out


def linear(row, piece):
    """The row times the weight, plus the bias."""
    weight, bias = piece.weight.tolist(), piece.bias.tolist()
    return [
        b + sum(a * w for a, w in zip(row, line, strict=True))
        for line, b in zip(weight, bias, strict=True)
    ]


def layer_norm(row, piece):
    """Mean 0 and variance 1, then scale and shift; or nothing, where the piece does nothing."""
    if not hasattr(piece, "weight"):
        return row
    mean = sum(row) / len(row)
    size = math.sqrt(sum((a - mean) ** 2 for a in row) / len(row) + piece.eps)
    weight, bias = piece.weight.tolist(), piece.bias.tolist()
    return [(a - mean) / size * w + b for a, w, b in zip(row, weight, bias, strict=True)]


def bend(number, activation):
    """The activation of one number."""
    if activation == "relu":
        return max(number, 0.0)
    return 0.5 * number * (1 + math.tanh(math.sqrt(2 / math.pi) * (number + 0.044715 * number**3)))
