class GPT2:
    def __call__(self, tokens: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        x = self.token_embedding(tokens)
        x = torch.add(x, self.position_embedding(positions))
        index = 0
        while index < len(self.blocks):
            x = self.blocks[index](x, attention=attention)
            index += 1
        hidden = self.final_norm(x)
        return hidden
