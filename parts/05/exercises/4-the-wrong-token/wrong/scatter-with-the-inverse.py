# says: meant for one id has come to another
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
    """The probabilities after top-k, top-p and min-p, renormalised. [R, vocabulary] -> the same."""
    wanted = [row.params for row in rows]
    vocabulary = logits.shape[-1]
    if any(0 < params.top_k < vocabulary or params.top_p < 1 for params in wanted):
        ascending, order = logits.sort(dim=-1)
        at = [[vocabulary - (p.top_k if 0 < p.top_k < vocabulary else vocabulary)] for p in wanted]
        least = ascending.gather(-1, torch.tensor(at, device=logits.device))  # [R, 1]
        ascending = ascending.masked_fill(ascending < least, -torch.inf)  # equals of the k-th stay
        top_p = column(rows, lambda params: params.top_p, logits)
        below = ascending.softmax(dim=-1).cumsum(dim=-1)  # of each, its own and all smaller ones
        dropped = (below <= 1 - top_p) & (top_p < 1)
        dropped[:, -1] = False  # one is always left
        dropped |= ascending == -torch.inf
        logits = logits.masked_fill(dropped.scatter(-1, order.argsort(dim=-1), dropped), -torch.inf)
    chances = logits.softmax(dim=-1)
    if any(params.min_p for params in wanted):
        share = column(rows, lambda params: params.min_p, logits)
        chances = chances.where(chances >= share * chances.amax(dim=-1, keepdim=True), 0.0)
        chances = chances / chances.sum(dim=-1, keepdim=True)
    return chances
