# says: the query of the next one
import torch


def test_no_token_sees_the_future(attend):
    q, k, v = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    before = attend(q, k, v)
    for t in range(6):
        keys, values = k.clone(), v.clone()
        keys[t:] += 1
        values[t:] += 1
        assert torch.equal(attend(q, keys, values)[:t], before[:t])
