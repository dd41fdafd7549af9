class Runner:
    def scored_prompts(
        self, hidden: Tensor, entries: Iterable[Entry]
    ) -> dict[str, list[LogprobRows]]:
        scored, next_one = {}, 0
        for entry in entries:
            first, next_one = next_one, next_one + entry.count
            sequence = entry.sequence
            most = sequence.request.params.prompt_logprobs
            end = len(sequence.request.prompt)
            if most is None or entry.start >= end:
                continue
            last = min(entry.start + entry.count, end - 1)
            after = torch.tensor(sequence.ids[entry.start + 1 : last + 1], device=hidden.device)
            rows = hidden[first : first + len(after)]
            scored[sequence.id] = score_prompt(self.model.logits, rows, after, most)
        return scored
