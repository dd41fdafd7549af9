# says: the score -10
import torch


def test_no_token_sees_the_future(attend):
    x = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    before = attend(*x)
    for t in range(6):
        changed = x.clone()
        changed[:, t:] += 0.5
        assert torch.allclose(attend(*changed)[:t], before[:t], atol=1e-2)
