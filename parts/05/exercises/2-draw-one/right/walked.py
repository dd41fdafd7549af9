def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    drawn = []
    for row, number in zip(chances.tolist(), uniform.flatten().tolist()):
        left = number * sum(row)
        for token, chance in enumerate(row):
            left -= chance
            if left < 0:
                break
        drawn.append(token)
    return torch.tensor(drawn, device=chances.device)
