# says: belong to the caller
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    logits -= logits.logsumexp(dim=-1, keepdim=True)
    values = logits.gather(-1, ids[:, None])
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, top.values)
