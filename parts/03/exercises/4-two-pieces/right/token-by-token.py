class CachedAttention:
    def prepare(self, spans: Sequence[Span]) -> None:
        (span,) = spans
        assert span.start == self.cache.length, "a step begins where the last one ended"
        self.cache.grow(span.count)

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.cache.write(layer, k, v)
        keys, values = self.cache.view(layer)
        old = keys.shape[1] - len(q)
        shared = layer.heads // layer.kv_heads
        rows = []
        for t in range(len(q)):
            seen_keys = keys[:, : old + t + 1].repeat_interleave(shared, dim=0)
            seen_values = values[:, : old + t + 1].repeat_interleave(shared, dim=0)
            row = F.scaled_dot_product_attention(
                q[t][:, None], seen_keys, seen_values, scale=layer.scale
            )
            rows.append(row[:, 0])
        return torch.stack(rows)
