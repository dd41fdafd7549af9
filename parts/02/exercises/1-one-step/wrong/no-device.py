# says: Nobody asked for `model.device`
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = attention.computed
    attention.prepare([Span(start, len(known) - start)])
    tokens = torch.tensor(known[start:])
    positions = torch.arange(start, len(known))
    return model.logits(model(tokens, positions, attention)[-1:])
