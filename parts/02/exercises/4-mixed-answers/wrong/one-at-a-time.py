# says: in one call of `increments`
class LLM:
    def generate(
        self,
        prompts: Prompt | Sequence[Prompt],
        params: SamplingParams | Sequence[SamplingParams] | None = None,
        **keywords: Any,
    ) -> list[RequestOutput]:
        many = as_list(prompts)
        each = self.params_for(len(many), params, keywords)
        ids = [self.encode(prompt) for prompt in many]
        if len(many) > 1:
            return [self.generate([one], [p])[0] for one, p in zip(many, each, strict=True)]
        made: list[list[Increment]] = [[]] * len(many)
        for index, increment in self.increments(ids, each):
            made[index].append(increment)
        return [
            RequestOutput(
                prompt=prompt if isinstance(prompt, str) else None,
                prompt_token_ids=known,
                outputs=completions(increments),
            )
            for prompt, known, increments in zip(many, ids, made, strict=True)
        ]


def completions(increments: Sequence[Increment]) -> list[CompletionOutput]:
    reason = increments[-1].finish_reason
    assert reason is not None, "the last increment says why"
    text = "".join(increment.text for increment in increments)
    ids = [token for increment in increments for token in increment.ids]
    return [CompletionOutput(0, text, ids, reason)]
