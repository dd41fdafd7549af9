# says: As before, some tokens are scored by rows of another entry
class Runner:
    def scored_prompts(
        self, hidden: Tensor, entries: Iterable[Entry]
    ) -> dict[str, list[LogprobRows]]:
        scored, first = {}, 0
        for entry in entries:
            sequence = entry.sequence
            most = sequence.request.params.prompt_logprobs
            end = len(sequence.request.prompt)
            if most is not None and entry.start < end:
                last = min(entry.start + entry.count, end - 1)
                after = torch.tensor(sequence.ids[entry.start + 1 : last + 1], device=hidden.device)
                rows = hidden[first : first + len(after)]
                scored[sequence.id] = score_prompt(self.model.logits, rows, after, most)
                first += len(after)
        return scored
