# says: rejects code that is right
import torch


def test_no_token_sees_the_future(attend):
    q, k, v = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    scores = torch.einsum("thd,shd->hts", q, k) / 2
    ahead = torch.ones(6, 6, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
    assert torch.allclose(attend(q, k, v), torch.einsum("hts,shd->thd", weights, v), atol=1e-5)
