# says: not with their sum so far
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    return (chances.double() > uniform).int().argmax(dim=-1)
