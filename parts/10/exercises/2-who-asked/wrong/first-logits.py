# says: the logits of the first rows
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        sampled = sample(logits, rows)
        asked = {i: r.params.logprobs for i, r in enumerate(rows) if r.params.logprobs is not None}
        if not asked:
            return sampled
        at = torch.tensor(list(asked))
        return replace(sampled, logprobs=score(logits[: len(at)], sampled.ids[at].clamp(min=0), max(asked.values())))

    return scored
