"""GPT-2's shape, from the engine's own config and pieces, with tensors that hold no numbers.

No method that another exercise makes a hole in is called: only what `__init__` builds is read.
"""

import torch

SHORT, LONG = 10, 1024
FLAT = "No 1 stands in front: tokens are flat, [T]."
UNITS = (1000, 1024, 1000**2, 1024**2)
GROWS = {
    # what grows: wrong factors, and what to think of then
    "hidden states": {
        1: "each token has one, and there are twice as many.",
        4: "they are [T, d], and T is in it once.",
    },
    "scores": {
        2: "each token looks at each other. How many pairs are there?",
    },
    "weights": dict.fromkeys((2, 4), "a block does not get new ones for a longer prompt."),
    "logits": dict.fromkeys((2, 4), "the last row is one row, however long the prompt is."),
}


def check(exam):
    from ruvon.models.gpt2 import GPT2
    from ruvon.models.gpt2 import GPT2Config
    from ruvon.models.layers import LayerNorm
    from ruvon.models.random import RandomLoader

    class Sizes(RandomLoader):
        """Hands out pieces whose tensors have shapes only, and writes these tensors down."""

        def __init__(self):
            self.dtype, self.device = torch.float32, torch.device("meta")
            self.tables, self.made = {}, []

        def normal(self, *shape):
            self.made.append(empty(*shape))
            return self.made[-1]

        def norm(self, name, width, eps):
            return LayerNorm(self.normal(width), self.normal(width), eps)

    load = Sizes()
    config = GPT2Config()
    model = GPT2(config, load)
    block, spec = model.blocks[0], model.layers[0]
    d, heads, head_dim, vocabulary = config.n_embd, spec.heads, spec.head_dim, model.vocabulary
    layers = len(model.blocks)

    q = torch.zeros(SHORT, heads, head_dim)
    scores = torch.einsum("thd,shd->hts", q, q)
    qkv = [SHORT, len(block.qkv.weight)]
    shape(exam, "qkv_shape", qkv, {(SHORT, d): "q, k and v come out of one piece, side by side."})
    shape(
        exam,
        "q_shape",
        list(q.shape),
        {
            (SHORT, d): "That is before the view.",
            (heads, SHORT, head_dim): "Tokens come first, all the way up to attention.",
            (SHORT, head_dim, heads): "The last dimension is what one head works on.",
            (SHORT, heads, d): "The heads share the d numbers of a token.",
            (SHORT, heads, 3 * head_dim): "q is one of three: this is after the chunk.",
        },
    )
    shape(
        exam,
        "scores_shape",
        list(scores.shape),
        {
            (SHORT, SHORT): "Each head has scores of its own.",
            (SHORT, SHORT, heads): "The order is another one: see the letters behind the arrow.",
            (SHORT, heads, SHORT): "The order is another one: see the letters behind the arrow.",
            (heads, SHORT, head_dim): "A score is a single number: the sum over a head's numbers.",
            (heads, head_dim, head_dim): "Tokens are compared with tokens.",
        },
    )
    inner = len(block.mlp_in.weight)
    shape(
        exam,
        "mlp_in_shape",
        [SHORT, inner],
        {
            (SHORT, d): "That is what the MLP gives in the end. Inside it is wider.",
            (SHORT, heads, inner): "The MLP knows nothing of heads.",
        },
    )
    shape(
        exam,
        "logits_shape",
        list(empty(1, len(model.head.weight)).shape),
        {
            (vocabulary,): "The slice [-1:] keeps the dimension.",
            (SHORT, vocabulary): "Only the last row is handed over.",
            (1, d): "That is the hidden state. The head makes one number for each entry.",
        },
    )

    every, last = empty(LONG, vocabulary), empty(1, vocabulary)
    size(exam, "all_logits_bytes", every.nbytes, counts(every, LONG, d))
    size(
        exam,
        "last_logits_bytes",
        last.nbytes,
        counts(last, 1, d) | {every.nbytes: "That is all rows. One is asked for."},
    )
    scores = empty(heads, LONG, LONG)
    size(
        exam,
        "scores_bytes",
        scores.nbytes,
        {
            scores.nbytes // heads: "That is one head.",
            scores.nbytes * layers: "That is all layers. One is asked for.",
            scores.nbytes // 2: "The mask hides half of them, but they are stored all the same.",
            heads * (LONG * (LONG + 1) // 2) * 4: "The mask hides half of them, but they are "
            "stored all the same.",
            scores.numel(): "That many numbers. Bytes are asked for.",
            scores.numel() * head_dim * 4: "A score is a single number, summed over head_dim.",
            scores.numel() // heads: "That many numbers, and of one head only.",
        },
    )

    linears = (block.qkv, block.attention_out, block.mlp_in, block.mlp_out)
    norms = (block.attention_norm, block.mlp_norm)
    tables = sum(piece.weight.numel() for piece in linears)
    biases = sum(piece.bias.numel() for piece in linears)
    shifts = sum(piece.weight.numel() + piece.bias.numel() for piece in norms)
    whole = tables + biases + shifts
    exam.answer(
        "block_weights",
        whole,
        {
            tables: "The tables are right. The biases and the norms are missing.",
            tables + shifts: "The biases are missing.",
            tables + biases: "The norms are missing: each has a weight and a bias.",
            tables + biases + shifts // 2: "A norm has a weight and a bias, and a block has two.",
            whole - 2 * (d * d + d): "qkv is three projections in one.",
            whole - inner * d - d: "An MLP has a way in and a way out.",
            whole - d * d - d: "Something of width d to d is missing. What does attention's result "
            "go through?",
            whole * 4: "Those are bytes. Weights are asked for.",
            whole * layers: "Those are all blocks. One is asked for.",
        },
    )
    total = sum(tensor.numel() for tensor in load.made)
    assert model.head.weight is model.token_embedding.weight
    tied = model.head.weight.numel()
    positions = model.position_embedding.weight.numel()
    ends = model.final_norm.weight.numel() + model.final_norm.bias.numel()
    exam.answer(
        "model_weights",
        total,
        {
            total + tied: "Tied weights: the head uses the embedding's table, and adds none.",
            total
            + tied
            - ends: "Tied weights: the head uses the embedding's table, and adds none.",
            total - ends: "The final norm is missing.",
            total - positions: "The table of positions is missing.",
            total - positions - ends: "The table of positions and the final norm are missing.",
            total - tied: "The table of tokens is missing. The head shares it, but it is there.",
            whole * layers: "Those are the blocks. The embeddings and the final norm are missing.",
            total * 4: "Those are bytes. Weights are asked for.",
        },
    )

    def grown(*sizes):
        return sizes[1].numel() // sizes[0].numel()

    halves = LONG // 2, LONG
    hidden = grown(*(empty(T, d) for T in halves))
    square = grown(*(empty(heads, T, T) for T in halves))
    factors = [hidden, square, 1, 1]
    known = {
        (hidden,) * 4: "They do not all grow alike. Ask of each whether T is in its shape, and how "
        "often.",
        (hidden, square, hidden, hidden): "Weights do not depend on the prompt, nor does the size "
        "of one row.",
    }
    exam.answer("factors", factors, first_wrong(exam.answers.get("factors"), factors) | known)


def shape(exam, key, want, mistakes):
    """Ask for a list. Habit from elsewhere puts a 1 in front."""
    exam.answer(key, want, {(1, *want): FLAT, **mistakes})


def size(exam, key, want, mistakes):
    """Ask for bytes."""
    given = exam.answers.get(key)
    if isinstance(given, float):
        with exam.case(key):
            exam.need(False, "Bytes are wanted, as a whole number.", yours=given)
    else:
        larger = {round(want / unit): "Bytes are wanted, not a larger unit." for unit in UNITS}
        exam.answer(key, want, larger | mistakes)


def first_wrong(given, want):
    """The first of the factors that is not right, by name, and why."""
    whole = isinstance(given, list) and all(isinstance(factor, int) for factor in given)
    if not whole or len(given) != len(want):
        return {}
    for (name, why), factor, right in zip(GROWS.items(), given, want, strict=True):
        if factor != right:
            thought = why.get(factor, "is T in their shape, and how often?")
            return {tuple(given): f"The {name}: {thought}"}
    return {}


def counts(logits, rows, d):
    """Mistakes about the bytes of some rows of logits."""
    return {
        logits.numel(): "That many numbers. Bytes are asked for.",
        logits.numel() * 2: "A float32 has four bytes.",
        logits.numel() * 8: "A float32 has four bytes.",
        logits.numel() * 32: "Those are bits.",
        rows * d * 4: "Those are the hidden states. The head makes one number for each entry.",
        logits.numel() * d * 4: "The width d is gone after the head: a logit is a single number.",
    }


def empty(*sizes):
    """A float32 tensor with a shape and no numbers."""
    return torch.empty(sizes, dtype=torch.float32, device="meta")
