# says: goes over the rows
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=0, keepdim=True)
    logits = logits - total
    values = logits.gather(-1, ids[:, None])
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, top.values)
