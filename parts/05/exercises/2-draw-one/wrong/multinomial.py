# says: draws a number of its own
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    return torch.multinomial(chances, 1)[:, 0]
