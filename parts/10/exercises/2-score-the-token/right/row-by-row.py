def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    made = []
    for row, token in zip(logits.float(), ids, strict=True):
        total = row.logsumexp(0)
        best = row.topk(min(most, len(row)))
        made.append((row[token] - total, best.indices, best.values - total))
    values, top_ids, top_values = (torch.stack(column) for column in zip(*made, strict=True))
    return LogprobRows(ids.clone(), values, top_ids, top_values)
