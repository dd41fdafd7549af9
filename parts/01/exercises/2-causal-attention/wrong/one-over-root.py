# says: need not be 1/sqrt(head_dim)
def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    T, S = q.shape[0], k.shape[0]
    shared = layer.heads // layer.kv_heads
    k = k.repeat_interleave(shared, dim=1)
    v = v.repeat_interleave(shared, dim=1)
    scores = torch.einsum("thd,shd->hts", q, k) * layer.head_dim**-0.5
    ahead = torch.ones(T, S, dtype=torch.bool).triu(1 + S - T)
    scores = scores.masked_fill(ahead, float("-inf"))
    weights = scores.softmax(dim=-1)
    return torch.einsum("hts,shd->thd", weights, v)
