def generate(
    model: Model,
    attention: SequenceAttention,
    prompt: Sequence[int],
    params: SamplingParams,
    sample: Sampler = greedy,
    eos_id: int | None = None,
    context: int | None = None,
) -> Iterator[Increment]:
    if context is None:
        context = model.context
    check_prompt(prompt, context)
    made: list[int] = []
    new = token_limit(len(prompt), params, context) - len(prompt)
    for left in reversed(range(new)):
        known = [*prompt, *made]
        logits = step(model=model, attention=attention, known=known)
        (token,) = sample(logits=logits, rows=(Row(params=params, ids=tuple(known), prompt=len(prompt)),)).ids.tolist()
        made.append(token)
        if token in stop_ids(params, eos_id):
            reason = "stop"
        elif left:
            reason = None
        else:
            reason = "length"
        yield Increment(ids=(token,), finish_reason=reason)
        if reason is not None:
            break
