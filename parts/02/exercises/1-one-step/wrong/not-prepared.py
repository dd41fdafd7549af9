# says: Attention was not prepared
@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    start = attention.computed
    tokens = torch.tensor(known[start:], device=model.device)
    positions = torch.arange(start, len(known), device=model.device)
    return model.logits(model(tokens, positions, attention)[-1:])
