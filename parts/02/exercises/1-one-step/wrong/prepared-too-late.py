# says: it has to know before the model runs
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = attention.computed
    tokens = torch.tensor(known[start:], device=model.device)
    positions = torch.arange(start, len(known), device=model.device)
    hidden = model(tokens, positions, attention)
    attention.prepare([Span(start, len(known) - start)])
    return model.logits(hidden[-1:])
