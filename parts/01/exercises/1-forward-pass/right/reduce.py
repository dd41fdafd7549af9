class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        from functools import reduce

        start = self.position_embedding(positions) + self.token_embedding(tokens)
        return self.final_norm(reduce(lambda x, block: block(x, attention), self.blocks, start))
