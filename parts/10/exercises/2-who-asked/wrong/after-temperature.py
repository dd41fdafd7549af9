# says: Scores are of the raw logits
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        sampled = sample(logits, rows)
        asked = {i: r.params.logprobs for i, r in enumerate(rows) if r.params.logprobs is not None}
        if not asked:
            return sampled
        at = torch.tensor(list(asked))
        return replace(sampled, logprobs=score((logits[at] + torch.tensor([3.0, 0, 0, 0])) / 2, sampled.ids[at].clamp(min=0), max(asked.values())))

    return scored
