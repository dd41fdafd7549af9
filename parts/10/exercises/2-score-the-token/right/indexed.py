def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    logits = logits.to(torch.float32)
    total = torch.logsumexp(logits, 1)
    values = logits[torch.arange(len(ids), device=ids.device), ids] - total
    top_values, top_ids = torch.topk(logits, k=min(most, logits.size(1)))
    return LogprobRows(
        top_values=top_values - total.unsqueeze(1), top_ids=top_ids, values=values, ids=ids
    )
