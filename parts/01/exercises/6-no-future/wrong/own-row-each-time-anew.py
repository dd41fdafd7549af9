# says: Row t may change when token t does.
import torch


def test_no_token_sees_the_future(attend):
    tensors = torch.randn(3, 5, 2, 4)
    for t in range(4):
        for which in range(3):
            before = attend(*tensors)
            changed = tensors.clone()
            changed[which, t:] += 1
            torch.testing.assert_close(attend(*changed)[: t + 1], before[: t + 1])
