def score(logits: Tensor, ids: Tensor, most: int) -> LogprobRows:
    wide = logits.float()
    highest = wide.max(dim=1, keepdim=True).values
    total = 0.0
    for piece in wide.split(16, dim=1):
        total = total + (piece - highest).exp().sum(dim=1, keepdim=True)
    total = highest + total.log()
    both = torch.take_along_dim(wide, ids.unsqueeze(1), dim=1) - total
    top = wide.topk(most if most < wide.shape[1] else wide.shape[1])
    return LogprobRows(ids, both.squeeze(1), top.indices, top.values.sub(total))
