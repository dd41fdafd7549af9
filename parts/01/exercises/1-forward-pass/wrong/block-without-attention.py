# says: block() missing 1 required positional argument: 'attention'
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        x = self.token_embedding(tokens) + self.position_embedding(positions)
        for block in self.blocks:
            x = block(x)
        return self.final_norm(x)
