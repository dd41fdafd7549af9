class ContiguousCache:
    def grow(self, count: int) -> None:
        wanted = self.length + count
        if not wanted <= self.capacity:
            raise CacheFull(f"{self.length=} {self.capacity=} {count=}")
        self.length = wanted

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        count, heads, _ = k.shape
        for t in range(count):
            for head in range(heads):
                self.keys[layer.index][head, self.length - count + t] = k[t, head]
                self.values[layer.index][head, self.length - count + t] = v[t, head]

    def view(self, layer: LayerSpec) -> list[Tensor]:
        return [side[layer.index][:, range(self.length)[0] : self.length, :] for side in (self.keys, self.values)]
