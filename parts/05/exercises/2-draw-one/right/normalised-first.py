def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    shares = chances.double() / chances.double().sum(dim=-1, keepdim=True)
    above = shares.cumsum(dim=-1) - uniform > 0
    return above.long().argmax(dim=-1).to(torch.int32)
