def with_logprobs(sample: "Sampler") -> "Sampler":
    from functools import partial

    def scored(draw, logits, rows):
        sampled = draw(logits, rows)
        numbers = [row.params.logprobs for row in rows]
        pieces = []
        most = max((n for n in numbers if n is not None), default=None)
        for i, n in enumerate(numbers):
            if n is not None:
                token = sampled.ids[i : i + 1]
                pieces.append(score(logits[i : i + 1], token * (token >= 0), most))
        if not pieces:
            return sampled
        names = ("ids", "values", "top_ids", "top_values")
        joined = [torch.cat([getattr(piece, name) for piece in pieces]) for name in names]
        return replace(sampled, logprobs=LogprobRows(*joined))

    return partial(scored, sample)
