@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    everything = torch.tensor(list(known), device=model.device)
    new = everything[attention.computed :]
    count = new.shape[0]
    positions = torch.arange(len(known), device=model.device)[-count:]
    attention.prepare((Span(len(known) - count, count),))
    return model.logits(model(new, positions, attention)[count - 1 : count])
