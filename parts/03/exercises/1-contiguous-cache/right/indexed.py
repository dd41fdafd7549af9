class ContiguousCache:
    def grow(self, count: int) -> None:
        free = self.capacity - self.length
        if count > free:
            raise CacheFull(f"{count} more? It holds {self.length}, and there is room for {self.capacity}.")
        self.length = self.length + count

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        newest = torch.arange(self.length)[-len(k) :]
        self.keys[layer.index].index_copy_(1, newest, k.permute(1, 0, 2))
        self.values[layer.index].index_copy_(1, newest, v.permute(1, 0, 2))

    def view(self, layer: LayerSpec) -> tuple[Tensor, Tensor]:
        i = layer.index
        return tuple(t.narrow(1, 0, self.length) for t in (self.keys[i], self.values[i]))
