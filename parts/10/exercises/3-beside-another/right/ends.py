class Runner:
    def scored_prompts(
        self, hidden: Tensor, entries: Iterable[Entry]
    ) -> dict[str, list[LogprobRows]]:
        every = list(entries)
        ends = list(accumulate(entry.count for entry in every))
        scored = {}
        for entry, behind in zip(every, ends, strict=True):
            most = entry.sequence.request.params.prompt_logprobs
            if most is None:
                continue
            prompt = entry.sequence.request.prompt
            after = prompt[entry.start + 1 : entry.start + entry.count + 1]
            mine = hidden[behind - entry.count :][: len(after)]
            ids = torch.tensor(after, dtype=torch.long, device=hidden.device)
            scored[entry.sequence.id] = score_prompt(self.model.logits, mine, ids, most)
        return scored
