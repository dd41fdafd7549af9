# says: is infinity in float32
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.exp().sum(dim=-1, keepdim=True).log()
    values = logits.gather(-1, ids[:, None]) - total
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, top.values - total)
