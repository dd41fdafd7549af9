def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (t.transpose(0, 1) for t in (q, k, v))
    T, S = q.shape[1], k.shape[1]
    grouped = q.reshape(layer.kv_heads, -1, T, layer.head_dim)
    scores = grouped @ k[:, None].transpose(-1, -2) * layer.scale
    may_see = torch.arange(S)[None, :] <= torch.arange(S - T, S)[:, None]
    weights = torch.where(may_see, scores, -torch.inf).exp()
    weights = weights / weights.sum(dim=-1, keepdim=True)
    out = weights @ v[:, None]
    return out.reshape(layer.heads, T, layer.head_dim).transpose(0, 1)
