class Runner:
    def scored_prompts(
        self, hidden: Tensor, entries: Iterable[Entry]
    ) -> dict[str, list[LogprobRows]]:
        entries = list(entries)
        scored = {}
        for entry, mine in zip(entries, hidden.split([e.count for e in entries]), strict=True):
            request = entry.sequence.request
            most = request.params.prompt_logprobs
            places = [
                place
                for place in range(entry.start, entry.start + entry.count)
                if place < len(request.prompt) - 1
            ]
            if most is None or not places:
                continue
            rows = torch.tensor([place - entry.start for place in places])
            after = torch.tensor([request.prompt[place + 1] for place in places])
            scored[request.id] = score_prompt(
                logits_of=self.model.logits, hidden=mine[rows], ids=after, most=most
            )
        return scored
