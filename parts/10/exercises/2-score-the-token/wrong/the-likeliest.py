# says: not that of the one in
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    values = logits.amax(dim=-1) - total[:, 0]
    return LogprobRows(ids, values, top.indices, top.values - total)
