# says: Nobody asks, and
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        sampled = sample(logits, rows)
        all_of_them = score(logits, sampled.ids.clamp(min=0), 4)
        asked = [i for i, row in enumerate(rows) if row.params.logprobs is not None]
        if not asked:
            return sampled
        most = max(rows[i].params.logprobs for i in asked)
        return replace(
            sampled,
            logprobs=LogprobRows(
                all_of_them.ids[asked],
                all_of_them.values[asked],
                all_of_them.top_ids[asked][:, :most],
                all_of_them.top_values[asked][:, :most],
            ),
        )

    return scored
