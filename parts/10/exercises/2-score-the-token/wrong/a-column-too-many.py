# says: The shape is [1, 1], and should be [1]
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    values = logits.gather(-1, ids[:, None]) - total
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values, top.indices, top.values - total)
