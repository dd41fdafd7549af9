def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        from ruvon.sampling.greedy import Sampled

        ids = sample(logits, rows).ids
        wants = torch.tensor(
            [-1 if row.params.logprobs is None else row.params.logprobs for row in rows]
        )
        asks = wants >= 0
        if not asks.any():
            return Sampled(ids)
        chosen = torch.where(ids < 0, 0, ids)[asks]
        return Sampled(ids, score(logits=logits[asks], ids=chosen, most=int(wants.max())))

    return scored
