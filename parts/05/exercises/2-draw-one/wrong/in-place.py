# says: belongs to the caller
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.double().cumsum_(dim=-1)
    return (cumulated > uniform.mul_(cumulated[:, -1:])).int().argmax(dim=-1)
