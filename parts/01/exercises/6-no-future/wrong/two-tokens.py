# says: there for two tokens, not for more
import torch


def test_no_token_sees_the_future(attend):
    x = torch.randn(3, 2, 2, 4, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 1] = 100
    assert torch.equal(attend(*changed)[0], attend(*x)[0])
