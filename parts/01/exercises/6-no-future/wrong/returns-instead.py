# says: Your test gives something back
import torch


def test_no_token_sees_the_future(attend):
    x = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    before = attend(*x)
    changed = x.clone()
    changed[:, 3:] += 1
    return torch.equal(attend(*changed)[:3], before[:3])
