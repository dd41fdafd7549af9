def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    ends = chances.double().cumsum(1)
    return (ends / ends[:, -1:] <= uniform).sum(1)
