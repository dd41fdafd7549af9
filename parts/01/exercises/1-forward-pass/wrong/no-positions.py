# says: The positions are not in it.
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        x = self.token_embedding(tokens)
        for block in self.blocks:
            x = block(x, attention)
        return self.final_norm(x)
