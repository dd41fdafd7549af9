class CachedAttention:
    def prepare(self, spans: Sequence[Span]) -> None:
        for span in spans:
            assert span.start == self.cache.length, "a step begins where the last one ended"
            self.cache.grow(count=span.count)

    def __call__(self, layer: LayerSpec, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        from ruvon.attention.full import causal_attention

        self.cache.write(layer, k, v)
        keys, values = self.cache.view(layer)
        return causal_attention(layer, q, keys.transpose(0, 1), values.transpose(0, 1))
