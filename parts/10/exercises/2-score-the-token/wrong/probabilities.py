# says: These are probabilities
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    chances = logits.softmax(dim=-1)
    top = chances.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, chances.gather(-1, ids[:, None])[:, 0], top.indices, top.values)
