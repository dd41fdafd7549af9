# says: the tokens of this step alone
def generate(
    model: Model,
    attention: SequenceAttention,
    prompt: Sequence[int],
    params: SamplingParams,
    sample: Sampler = greedy,
    eos_id: int | None = None,
    context: int | None = None,
) -> Iterator[Increment]:
    context = context or model.context
    check_prompt(prompt, context)
    known = list(prompt)
    limit = token_limit(len(prompt), params, context)
    stops = stop_ids(params, eos_id)
    while True:
        last = step(model, attention, known)  # [1, vocabulary]
        row = Row(params, known, prompt=len(prompt))
        token = int(sample(last, [row]).ids)
        known.append(token)
        if token in stops:
            yield Increment(tuple(known[len(prompt) :]), "stop")
            return
        if len(known) == limit:
            yield Increment(tuple(known[len(prompt) :]), "length")
            return
        yield Increment(tuple(known[len(prompt) :]))
