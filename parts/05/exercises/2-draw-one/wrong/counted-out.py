# says: share of it
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    return (chances.double().cumsum(dim=-1) <= uniform).sum(dim=-1)
