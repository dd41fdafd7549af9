class CachedAttention:
    def prepare(self, spans: Sequence[Span]) -> None:
        assert len(spans) == 1, "a contiguous cache holds one sequence"
        assert spans[0].start == self.cache.length, "a step begins where the last one ended"
        self.cache.grow(spans[0].count)
        places = torch.arange(self.cache.length, device=self.cache.device)
        several = spans[0].count > 1
        self.mask = places[None, :] <= places[spans[0].start :, None] if several else None

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.cache.write(layer, k, v)
        keys, values = self.cache.view(layer)
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1),
            keys,
            values,
            self.mask,
            scale=layer.scale,
            enable_gqa=True,
        )
        return out.transpose(0, 1)
