class Block:
    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        T, head_dim = x.shape[0], self.spec.head_dim
        rows = self.qkv(self.attention_norm(x))
        cut = rows.unflatten(1, (3, self.spec.heads, head_dim))
        seen = attention(self.spec, cut[:, 0], cut[:, 1], cut[:, 2])
        x = x + self.attention_out(seen.flatten(1))
        inner = self.mlp_in(self.mlp_norm(x), self.activation)
        return x + self.mlp_out(inner)
