# says: put on after the softmax
import torch


def test_no_token_sees_the_future(attend):
    q, k, v = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    before = attend(q, k, v)
    for t in range(6):
        changed = v.clone()
        changed[t:] += 1
        assert torch.equal(attend(q, k, changed)[:t], before[:t])
