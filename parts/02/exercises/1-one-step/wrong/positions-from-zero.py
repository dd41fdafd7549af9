# says: Positions are those in the whole text
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = attention.computed
    tokens = torch.tensor(known[start:], device=model.device)
    attention.prepare([Span(start, len(tokens))])
    positions = torch.arange(len(tokens), device=model.device)
    return model.logits(model(tokens, positions, attention)[-1:])
