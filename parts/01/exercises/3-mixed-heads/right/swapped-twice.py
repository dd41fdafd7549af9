class Block:
    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        T, head_dim = x.shape[0], self.spec.head_dim
        q, k, v = self.qkv(self.attention_norm(x)).tensor_split(3, dim=1)
        q, k, v = (
            t.reshape(T, -1, head_dim).transpose(1, 2).contiguous().transpose(1, 2)
            for t in (q, k, v)
        )
        seen = attention(self.spec, q, k, v)
        x = self.attention_out(seen.reshape(T, -1), add=x)
        return self.mlp_out(self.mlp_in(self.mlp_norm(x), then=self.activation), add=x)
