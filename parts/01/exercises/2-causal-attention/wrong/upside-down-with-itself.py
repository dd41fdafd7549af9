# says: The mask is upside down: tokens see what
def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    T, S = q.shape[0], k.shape[0]
    shared = layer.heads // layer.kv_heads
    k = k.repeat_interleave(shared, dim=1)
    v = v.repeat_interleave(shared, dim=1)
    scores = torch.einsum("thd,shd->hts", q, k) * layer.scale
    ahead = torch.ones(T, S, dtype=torch.bool).tril(S - T - 1)
    scores = scores.masked_fill(ahead, float("-inf"))
    weights = scores.softmax(dim=-1)
    return torch.einsum("hts,shd->thd", weights, v)
