"""Part 1 · GPT-2: a function of single tokens, with attention as an argument.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.3.
Tokens are flat, [T]: there is no batch dimension, and no later part adds one.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ruvon.errors import RuvonError
from ruvon.seams import Activation
from ruvon.seams import Attention
from ruvon.seams import LayerSpec
from ruvon.seams import Loader

ACTIVATIONS: dict[str, Activation] = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}


@dataclass(frozen=True)
class GPT2Config:
    """The numbers of `config.json` that shape the network."""

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    layer_norm_epsilon: float = 1e-5
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False
    tie_word_embeddings: bool = True

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "GPT2Config":
        """Read Hugging Face's field names. Raises RuvonError for what the model cannot do."""
        config = cls(**{k: raw[k] for k in cls.__dataclass_fields__ if k in raw})
        config.check_types()
        if config.activation_function not in list(ACTIVATIONS):
            raise RuvonError(
                f"activation_function {config.activation_function!r} is not one of "
                f"{', '.join(ACTIVATIONS)}"
            )
        if config.n_embd % config.n_head:
            raise RuvonError(
                f"n_embd {config.n_embd} does not divide into n_head {config.n_head} heads"
            )
        if raw.get("add_cross_attention"):
            raise RuvonError("add_cross_attention is for encoder-decoder models; Ruvon has none")
        return config

    def check_types(self) -> None:
        """Refuse text where a number is due, and sizes of nothing. Raises RuvonError."""
        sizes = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head"]
        for name in sizes if self.n_inner is None else [*sizes, "n_inner"]:
            value = getattr(self, name)
            if type(value) is not int or value < 1:  # True is an int too
                raise RuvonError(f"{name} {value!r} is not a whole number of at least 1")
        for name in (n for n in self.__dataclass_fields__ if n.startswith(("scale_", "tie_"))):
            if type(getattr(self, name)) is not bool:
                raise RuvonError(f"{name} {getattr(self, name)!r} is neither true nor false")
        eps = self.layer_norm_epsilon
        if not isinstance(eps, int | float) or not eps > 0:
            raise RuvonError(f"layer_norm_epsilon {eps!r} is not a number over 0")

    @property
    def inner(self) -> int:
        """Width of the hidden layer of each MLP: four times the model's, unless stated."""
        return self.n_inner or 4 * self.n_embd

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """What attention may know of each layer."""
        head_dim = self.n_embd // self.n_head
        scale = head_dim**-0.5 if self.scale_attn_weights else 1.0
        by_depth = self.scale_attn_by_inverse_layer_idx
        return tuple(
            LayerSpec(i, self.n_head, self.n_head, head_dim, scale / (i + 1 if by_depth else 1))
            for i in range(self.n_layer)
        )


class Block:
    """One layer: tokens look at each other, then each thinks for itself."""

    def __init__(self, config: GPT2Config, spec: LayerSpec, load: Loader) -> None:
        name, d, eps = f"h.{spec.index}", config.n_embd, config.layer_norm_epsilon
        self.spec = spec
        self.activation = ACTIVATIONS[config.activation_function]
        self.attention_norm = load.norm(f"{name}.ln_1", d, eps)
        self.qkv = load.linear(f"{name}.attn.c_attn", d, 3 * d)
        self.attention_out = load.linear(f"{name}.attn.c_proj", d, d)
        self.mlp_norm = load.norm(f"{name}.ln_2", d, eps)
        self.mlp_in = load.linear(f"{name}.mlp.c_fc", d, config.inner)
        self.mlp_out = load.linear(f"{name}.mlp.c_proj", config.inner, d)

    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        """x [T, d] -> [T, d]."""
        T, head_dim = x.shape[0], self.spec.head_dim
        q, k, v = self.qkv(self.attention_norm(x)).chunk(3, dim=-1)  # each [T, d]
        q, k, v = (t.view(T, -1, head_dim) for t in (q, k, v))  # [T, heads, head_dim]
        seen = attention(self.spec, q, k, v)  # [T, heads, head_dim]
        x = self.attention_out(seen.reshape(T, -1), add=x)  # [T, d]
        return self.mlp_out(self.mlp_in(self.mlp_norm(x), then=self.activation), add=x)


class GPT2:
    """The whole network. Its weights come from `load`, piece by piece, by name."""

    def __init__(self, config: GPT2Config, load: Loader) -> None:
        d, vocab = config.n_embd, config.vocab_size
        self.config = config
        self.context, self.vocabulary = config.n_positions, vocab
        self.dtype, self.device = load.dtype, load.device
        self.token_embedding = load.embedding("wte", vocab, d)
        self.position_embedding = load.embedding("wpe", config.n_positions, d)
        self.layers = config.layers
        self.blocks = [Block(config, spec, load) for spec in self.layers]
        self.final_norm = load.norm("ln_f", d, config.layer_norm_epsilon)
        self.head = load.head("wte" if config.tie_word_embeddings else "lm_head", d, vocab)

    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """tokens [T], positions [T] -> hidden [T, d]."""
        x = self.token_embedding(tokens) + self.position_embedding(positions)  # [T, d]
        for block in self.blocks:
            x = block(x, attention)
        return self.final_norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [R, d] -> [R, vocabulary], in float32, as samplers want it."""
        return self.head(hidden).to(torch.float32)
