# says: At the number itself
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.double().cumsum(dim=-1)
    return (cumulated >= uniform * cumulated[:, -1:]).int().argmax(dim=-1)
