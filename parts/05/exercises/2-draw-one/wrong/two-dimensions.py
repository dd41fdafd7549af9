# says: an id for each row
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.double().cumsum(dim=-1)
    return torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
