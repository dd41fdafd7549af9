# says: make no new ones
class ContiguousCache:
    def grow(self, count: int) -> None:
        if self.length + count > self.capacity:
            raise CacheFull(
                f"the cache holds {self.length:,} of {self.capacity:,} tokens and cannot take "
                f"{count:,} more; give it a larger capacity, or a shorter prompt"
            )
        self.length += count

    def write(self, layer: LayerSpec, k: Tensor, v: Tensor) -> None:
        start = self.length - k.shape[0]
        i = layer.index
        rest = self.keys[i][:, self.length :], self.values[i][:, self.length :]
        self.keys[i] = torch.cat([self.keys[i][:, :start], k.transpose(0, 1), rest[0]], dim=1)
        self.values[i] = torch.cat([self.values[i][:, :start], v.transpose(0, 1), rest[1]], dim=1)

    def view(self, layer: LayerSpec) -> tuple[Tensor, Tensor]:
        keys, values = self.keys[layer.index], self.values[layer.index]
        return keys[:, : self.length], values[:, : self.length]
