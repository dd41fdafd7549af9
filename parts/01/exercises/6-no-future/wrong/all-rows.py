# says: Your test rejects code that is right.
import torch


def test_no_token_sees_the_future(attend):
    tensors = torch.randn(3, 5, 2, 4)
    changed = tensors.clone()
    changed[:, 2:] += 1
    assert torch.equal(attend(*changed), attend(*tensors))
