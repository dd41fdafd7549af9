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
    known, asked = [*prompt], len(prompt)
    limit, ends = token_limit(asked, params, context), stop_ids(params, eos_id)

    class Run:
        done = False

        def __iter__(self):
            return self

        def __next__(self):
            if self.done:
                raise StopIteration
            scores = step(model, attention, known)
            token = sample(scores, [Row(params, known, asked)]).ids.item()
            known.append(token)
            why = "stop" if token in ends else "length" if len(known) >= limit else None
            self.done = why is not None
            return Increment((token,), why)

    return Run()
