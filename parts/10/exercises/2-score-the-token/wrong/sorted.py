# says: as large as `logits`
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    values, order = logits.sort(dim=-1, descending=True)
    picked = logits.gather(-1, ids[:, None]) - total
    return LogprobRows(ids, picked[:, 0], order[:, :most], values[:, :most] - total)
