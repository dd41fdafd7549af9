# says: in order of the ids
def inverse_cdf(chances: Tensor, uniform: Tensor) -> Tensor:
    ordered, ids = chances.double().sort(dim=-1, descending=True)
    cumulated = ordered.cumsum(dim=-1)
    at = (cumulated > uniform * cumulated[:, -1:]).int().argmax(dim=-1, keepdim=True)
    return ids.gather(-1, at)[:, 0]
