# says: What is computed already is fed again.
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    attention.prepare([Span(0, len(known))])
    tokens = torch.tensor(known, device=model.device)
    positions = torch.arange(len(known), device=model.device)
    return model.logits(model(tokens, positions, attention)[-1:])
