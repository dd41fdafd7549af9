# says: attend() missing 2 required positional arguments
import torch


def test_no_token_sees_the_future(attend):
    tensors = torch.randn(3, 5, 2, 4)
    assert torch.equal(attend(tensors)[:, 0], attend(tensors)[:, 0])
