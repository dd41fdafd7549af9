# says: One call of `sample`
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        drawn = [sample(logits[i : i + 1], rows[i : i + 1]) for i in range(len(rows))]
        sampled = replace(drawn[0], ids=torch.cat([one.ids for one in drawn]))
        asked = {i: r.params.logprobs for i, r in enumerate(rows) if r.params.logprobs is not None}
        if not asked:
            return sampled
        at = torch.tensor(list(asked))
        ids = sampled.ids[at].clamp(min=0)
        return replace(sampled, logprobs=score(logits[at], ids, max(asked.values())))

    return scored
