# says: became 0 before
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logs = logits.float().softmax(dim=-1).log()
    top = logs.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, logs.gather(-1, ids[:, None])[:, 0], top.indices, top.values)
