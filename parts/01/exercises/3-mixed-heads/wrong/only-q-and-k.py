# says: q and k are cut rightly now; v is not
class Block:
    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        T, head_dim = x.shape[0], self.spec.head_dim
        q, k, v = self.qkv(self.attention_norm(x)).chunk(3, dim=-1)  # each [T, d]
        q, k = (t.view(T, -1, head_dim) for t in (q, k))
        v = v.view(T, head_dim, -1).transpose(1, 2)
        seen = attention(self.spec, q, k, v)  # [T, heads, head_dim]
        x = self.attention_out(seen.reshape(T, -1), add=x)  # [T, d]
        return self.mlp_out(self.mlp_in(self.mlp_norm(x), then=self.activation), add=x)
