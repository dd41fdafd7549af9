def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    T, S = q.shape[0], k.shape[0]
    shared = layer.heads // layer.kv_heads
    out = torch.empty_like(q)
    for head in range(layer.heads):
        keys, values = k[:, head // shared], v[:, head // shared]
        for t in range(T):
            seen = S - T + t + 1
            scores = keys[:seen] @ q[t, head] * layer.scale
            out[t, head] = torch.softmax(scores, 0) @ values[:seen]
    return out
