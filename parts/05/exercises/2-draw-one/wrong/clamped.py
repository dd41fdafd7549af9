# says: even one whose chance is 0
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    cumulated = chances.double().cumsum(dim=-1)
    return torch.searchsorted(cumulated, uniform, right=True).clamp(max=chances.shape[-1] - 1)[:, 0]
