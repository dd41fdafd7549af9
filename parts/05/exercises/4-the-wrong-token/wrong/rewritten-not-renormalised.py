# says: renormalised after top-k
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
    wanted = [row.params for row in rows]
    size = logits.shape[-1]
    if any(0 < p.top_k < size or p.top_p < 1 for p in wanted):
        values, order = logits.sort(dim=-1, descending=True)
        k = torch.tensor([[p.top_k if 0 < p.top_k < size else size] for p in wanted])
        dropped = values < values.gather(-1, k - 1)
        top_p = column(rows, lambda params: params.top_p, logits)
        chances = values.softmax(dim=-1)
        before = chances.cumsum(dim=-1) - chances
        dropped |= (before >= top_p) & (top_p < 1)
        logits = logits.masked_fill(dropped.scatter(-1, order, dropped), -torch.inf)
    chances = logits.softmax(dim=-1)
    share = column(rows, lambda params: params.min_p, logits)
    chances = chances * (chances >= share * chances.amax(dim=-1, keepdim=True))
    return chances / chances.sum(dim=-1, keepdim=True)
