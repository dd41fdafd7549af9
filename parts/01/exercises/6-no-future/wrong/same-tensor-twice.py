# says: attention without a mask
import torch


def test_no_token_sees_the_future(attend):
    q, k, v = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    for t in range(6):
        k[t:] += 1
        v[t:] += 1
        before = attend(q, k, v)
        after = attend(q, k, v)
        assert torch.equal(after[:t], before[:t])
