def stochastic(logits: Tensor, rows: Sequence[Row]) -> Sampled:
    """Draw the next token of each row. logits [R, vocabulary] -> ids [R], NO_TOKEN where none.

    What a row draws depends on its logits, its parameters, its choice and its position alone.
    """
    scores = adjusted(logits.float(), rows)
    best = greedy(scores, rows).ids
    # NaN and plus infinity win over every number, and minus infinity wins only if it is alone.
    sound = scores.gather(-1, best[:, None])[:, 0].isfinite()  # [R]
    if any(row.params.temperature for row in rows):
        temperature = column(rows, lambda params: params.temperature, logits)  # [R, 1]
        drawn = inverse_cdf(kept(tempered(scores, temperature), rows), uniforms(rows, logits))
        best = torch.where(temperature[:, 0] > 0, drawn, best)
    return Sampled(ids=best.where(sound, NO_TOKEN))


def tempered(logits: Tensor, temperature: Tensor) -> Tensor:
    """Logits over temperature, the highest at 0; rows of temperature 0 as if it were 1.

    The highest is taken off before the division, or a small temperature would make infinities.
    """
    highest = logits.amax(dim=-1, keepdim=True)
    return (logits - highest) / torch.where(temperature > 0, temperature, 1.0)


def kept(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    size = logits.size(1)
    ks = [row.params.top_k if 0 < row.params.top_k < size else size for row in rows]
    ps = [row.params.top_p for row in rows]
    chances = torch.softmax(logits, 1)
    if min(ks) < size:
        best = chances.topk(max(k for k in ks if k < size), 1).values
        places = torch.tensor([k - 1 if k < size else 0 for k in ks])
        least = best[torch.arange(len(rows)), places]
        least[torch.tensor(ks) == size] = 0
        chances = torch.where(chances < least[:, None], torch.zeros(()), chances)
        chances = chances / chances.sum(1, keepdim=True)
    if min(ps) < 1:
        order = chances.argsort(1, descending=True)
        place = order.argsort(1)
        ordered = chances.gather(1, order).double()
        before = torch.cat([torch.zeros(len(rows), 1), ordered.cumsum(1)[:, :-1]], 1)
        needed = before < torch.tensor([[p if p < 1 else 2.0] for p in ps])
        chances = chances * needed.gather(1, place)
        chances = chances / chances.sum(1, keepdim=True)
    least = chances.max(1, keepdim=True).values * torch.tensor([[r.params.min_p] for r in rows])
    chances = torch.where(chances < least, torch.zeros(()), chances)
    return chances / chances.sum(1, keepdim=True)
