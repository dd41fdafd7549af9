# says: The shape is [2, 2], and should be [2]
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1)
    values = logits[:, ids][:, 0] - total[:, None] if len(ids) > 1 else logits[0, ids] - total
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values, top.indices, top.values - total[:, None])
