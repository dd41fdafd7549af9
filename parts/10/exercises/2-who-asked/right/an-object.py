def with_logprobs(sample: "Sampler") -> "Sampler":
    class Scored:
        def __call__(self, logits, rows):
            sampled = sample(logits, rows)
            who = [i for i, row in enumerate(rows) if row.params.logprobs is not None]
            if who:
                ids = sampled.ids[who].remainder(logits.shape[-1])
                most = max(rows[i].params.logprobs for i in who)
                sampled = replace(sampled, logprobs=score(logits[who], ids, most))
            return sampled

    return Scored()
