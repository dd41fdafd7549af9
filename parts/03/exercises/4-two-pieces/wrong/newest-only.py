# says: The tokens in the cache are not looked at
class CachedAttention:
    def prepare(self, spans: Sequence[Span]) -> None:
        assert len(spans) == 1, "a contiguous cache holds one sequence"
        assert spans[0].start == self.cache.length, "a step begins where the last one ended"
        self.cache.grow(spans[0].count)

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.cache.write(layer, k, v)
        keys, values = k.transpose(0, 1), v.transpose(0, 1)
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1)[None],
            keys[None],
            values[None],
            is_causal=len(q) > 1,
            scale=layer.scale,
            enable_gqa=layer.heads != layer.kv_heads,
        )
        return out[0].transpose(0, 1)
