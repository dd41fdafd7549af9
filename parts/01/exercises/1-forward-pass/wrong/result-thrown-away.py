# says: or what they give is thrown away
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        x = self.token_embedding(tokens) + self.position_embedding(positions)
        for block in self.blocks:
            block(x, attention)
        return self.final_norm(x)
