# says: not that to the base 10
def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    values = (logits.gather(-1, ids[:, None]) - total) / torch.tensor(10.0).log()
    top = logits.topk(min(most, logits.shape[-1]), dim=-1)
    return LogprobRows(ids, values[:, 0], top.indices, (top.values - total) / torch.tensor(10.0).log())
