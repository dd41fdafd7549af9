# says: most may be more
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    values = logits.gather(-1, ids[:, None]) - total
    top = logits.topk(most, dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, top.values - total)
