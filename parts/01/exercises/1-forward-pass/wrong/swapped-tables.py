# says: Tokens and positions are swapped
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        x = self.token_embedding(positions) + self.position_embedding(tokens)
        for block in self.blocks:
            x = block(x, attention)
        return self.final_norm(x)
