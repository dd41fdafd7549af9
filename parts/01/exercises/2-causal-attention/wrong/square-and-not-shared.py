# says: It stops only where S is larger than T, or kv_heads
def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    T, S = q.shape[0], k.shape[0]
    shared = layer.heads // layer.kv_heads
    scores = torch.einsum("thd,shd->hts", q, k) * layer.scale
    ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
    scores = scores.masked_fill(ahead, float("-inf"))
    weights = scores.softmax(dim=-1)
    return torch.einsum("hts,shd->thd", weights, v)
