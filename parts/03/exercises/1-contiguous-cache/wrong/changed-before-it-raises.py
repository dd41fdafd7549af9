# says: Ask first, change after
class ContiguousCache:
    def grow(self, count: int) -> None:
        self.length += count
        if self.length > self.capacity:
            raise CacheFull(f"{self.length - count} of {self.capacity} are taken, {count} more are too many")

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        start = self.length - k.shape[0]
        self.keys[layer.index][:, start : self.length] = k.transpose(0, 1)
        self.values[layer.index][:, start : self.length] = v.transpose(0, 1)

    def view(self, layer: LayerSpec) -> tuple[Tensor, Tensor]:
        keys, values = self.keys[layer.index], self.values[layer.index]
        return keys[:, : self.length], values[:, : self.length]
