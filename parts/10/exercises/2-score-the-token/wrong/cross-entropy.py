# says: as large as `logits`
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    values = -torch.nn.functional.cross_entropy(logits, ids, reduction="none")
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values, top.indices, top.values - logits.logsumexp(-1, keepdim=True))
