def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    ends = torch.cumsum(chances, -1, dtype=torch.float64)
    at = uniform.to(ends.dtype) * ends[:, -1].unsqueeze(1)
    return torch.searchsorted(ends, at, right=True).squeeze(1)
