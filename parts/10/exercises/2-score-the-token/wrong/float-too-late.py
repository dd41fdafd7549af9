# says: turned into float32 too late
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    total = logits.logsumexp(dim=-1, keepdim=True)
    values = logits.gather(-1, ids[:, None]) - total
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0].float(), top.indices, (top.values - total).float())
