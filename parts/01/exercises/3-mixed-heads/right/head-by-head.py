class Block:
    def __call__(self, x: Tensor, attention: Attention) -> Tensor:
        T, head_dim = x.shape[0], self.spec.head_dim
        import torch

        rows = self.qkv(self.attention_norm(x))
        pieces = rows.split(head_dim, dim=-1)
        heads = self.spec.heads
        q, k, v = (torch.stack(pieces[n * heads : (n + 1) * heads], dim=1) for n in range(3))
        seen = attention(self.spec, q=q, k=k, v=v)
        together = torch.cat(seen.unbind(1), dim=-1)
        x = self.attention_out(together, add=x)
        hidden = self.mlp_in(self.mlp_norm(x), then=self.activation)
        return self.mlp_out(hidden, add=x)
