# says: Or else the first token is drawn
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    return (chances.double().cumsum(dim=-1) > uniform).int().argmax(dim=-1)
