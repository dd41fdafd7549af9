# says: some logits the wrong way
def adjusted(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    """Logits after bias, the ban of early ends, and penalties. [R, vocabulary] -> the same."""
    if not any(changes_logits(row) for row in rows):
        return logits
    biases = [row.params.logit_bias for row in rows]
    ids = [[token for token, _ in pairs] for pairs in biases]
    logits = logits + summed(ids, [bias for pairs in biases for _, bias in pairs], logits)
    banned = summed([sorted(row.stops) if too_short(row) else () for row in rows], 1.0, logits)
    logits = logits.masked_fill(banned > 0, -torch.inf)
    text = summed([row.ids[row.prompt :] for row in rows], 1.0, logits)  # how often
    seen = text + summed([row.ids[: row.prompt] for row in rows], 1.0, logits) > 0
    repetition = column(rows, lambda params: params.repetition_penalty, logits)
    pushed = logits.div(repetition)
    logits = torch.where(seen, pushed, logits)
    presence = column(rows, lambda params: params.presence_penalty, logits)
    frequency = column(rows, lambda params: params.frequency_penalty, logits)
    return logits - (text * frequency + (text > 0) * presence)
