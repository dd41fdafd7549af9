@torch.inference_mode()
def step(model: Model, attention: SequenceAttention, known: Sequence[int]) -> torch.Tensor:
    first = attention.computed
    tokens, positions = [], []
    for position, token in enumerate(known):
        if position >= first:
            tokens.append(token)
            positions.append(position)
    attention.prepare(spans=[Span(start=first, count=len(tokens))])
    ids = torch.as_tensor(tokens, dtype=torch.int32).to(model.device)
    hidden = model(tokens=ids, positions=torch.tensor(positions).to(model.device), attention=attention)
    return model.logits(hidden=hidden[-1].unsqueeze(0))
