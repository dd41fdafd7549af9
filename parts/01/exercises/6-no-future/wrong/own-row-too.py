# says: Row t may change when token t does.
import torch


def test_no_token_sees_the_future(attend):
    x = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    before = attend(*x)
    for t in range(6):
        changed = x.clone()
        changed[:, t:] += 1
        assert torch.equal(attend(*changed)[: t + 1], before[: t + 1])
