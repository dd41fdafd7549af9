# says: The first third of a row
class Block:
    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        T, head_dim = x.shape[0], self.spec.head_dim
        qkv = self.qkv(self.attention_norm(x)).view(T, -1, 3, head_dim)
        q, k, v = qkv.unbind(2)
        seen = attention(self.spec, q, k, v)  # [T, heads, head_dim]
        x = self.attention_out(seen.reshape(T, -1), add=x)  # [T, d]
        return self.mlp_out(self.mlp_in(self.mlp_norm(x), then=self.activation), add=x)
