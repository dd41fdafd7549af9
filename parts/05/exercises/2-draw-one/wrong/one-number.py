# says: a number of its own
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.double().cumsum(dim=-1)
    return (cumulated > uniform[0] * cumulated[:, -1:]).int().argmax(dim=-1)
