# says: read it before
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    attention.prepare([Span(attention.computed, len(known) - attention.computed)])
    tokens = torch.tensor(known[attention.computed :], device=model.device)
    positions = torch.arange(attention.computed, len(known), device=model.device)
    return model.logits(model(tokens, positions, attention)[-1:])
