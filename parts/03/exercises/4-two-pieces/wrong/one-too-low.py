# says: one diagonal too low
class CachedAttention:
    def prepare(self, spans: Sequence[Span]) -> None:
        assert len(spans) == 1, "a contiguous cache holds one sequence"
        assert spans[0].start == self.cache.length, "a step begins where the last one ended"
        self.cache.grow(spans[0].count)
        new, total = spans[0].count, self.cache.length
        self.mask = None
        if new > 1:
            self.mask = torch.ones(new, total, dtype=torch.bool).tril(total - new - 1)

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.cache.write(layer, k, v)
        keys, values = self.cache.view(layer)
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1)[None],
            keys[None],
            values[None],
            attn_mask=self.mask,
            is_causal=self.mask is None and len(q) > 1,
            scale=layer.scale,
            enable_gqa=layer.heads != layer.kv_heads,
        )
        return out[0].transpose(0, 1)
