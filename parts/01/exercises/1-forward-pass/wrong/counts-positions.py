# says: Positions are given
class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        places = torch.arange(len(tokens))
        x = self.token_embedding(tokens) + self.position_embedding(places)
        for block in self.blocks:
            x = block(x, attention)
        return self.final_norm(x)
