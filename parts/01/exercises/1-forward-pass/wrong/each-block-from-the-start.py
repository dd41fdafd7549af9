# says: each has to take what the one before it gave
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        start = self.token_embedding(tokens) + self.position_embedding(positions)
        for block in self.blocks:
            x = block(start, attention)
        return self.final_norm(x if self.blocks else start)
