# says: Which dimension of k counts tokens?
class ContiguousCache:
    def grow(self, count: int) -> None:
        if self.length + count > self.capacity:
            raise CacheFull(
                f"the cache holds {self.length:,} of {self.capacity:,} tokens and cannot take "
                f"{count:,} more; give it a larger capacity, or a shorter prompt"
            )
        self.length += count

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        start = self.length - k.shape[1]
        self.keys[layer.index][:, start : self.length] = k.transpose(0, 1)
        self.values[layer.index][:, start : self.length] = v.transpose(0, 1)

    def view(self, layer: LayerSpec) -> tuple[Tensor, Tensor]:
        keys, values = self.keys[layer.index], self.values[layer.index]
        return keys[:, : self.length], values[:, : self.length]
