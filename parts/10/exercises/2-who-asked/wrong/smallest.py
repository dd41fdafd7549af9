# says: take the largest
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        sampled = sample(logits, rows)
        asked = {i: r.params.logprobs for i, r in enumerate(rows) if r.params.logprobs is not None}
        if not asked:
            return sampled
        at = torch.tensor(list(asked))
        return replace(sampled, logprobs=score(logits[at], sampled.ids[at].clamp(min=0), min(asked.values())))

    return scored
