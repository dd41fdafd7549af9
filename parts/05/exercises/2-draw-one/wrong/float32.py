# says: Add up in float64
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.cumsum(dim=-1)
    return (cumulated > uniform * cumulated[:, -1:]).int().argmax(dim=-1)
