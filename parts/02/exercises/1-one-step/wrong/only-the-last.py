# says: All that are not computed have to be
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = len(known) - 1
    attention.prepare([Span(start, 1)])
    tokens = torch.tensor(known[-1:], device=model.device)
    positions = torch.tensor([start], device=model.device)
    return model.logits(model(tokens, positions, attention)[-1:])
