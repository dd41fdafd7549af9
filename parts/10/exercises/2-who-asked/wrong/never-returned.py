# says: It has to give back a sampler
def with_logprobs(sample: "Sampler") -> "Sampler":
    def scored(logits: Tensor, rows: "Sequence[Row]") -> "Sampled":
        return sample(logits, rows)
