# says: the ids first, then the positions
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = attention.computed
    attention.prepare([Span(start, len(known) - start)])
    tokens = torch.tensor(known[start:], device=model.device)
    positions = torch.arange(start, len(known), device=model.device)
    return model.logits(model(positions, tokens, attention)[-1:])
