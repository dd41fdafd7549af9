# says: rejects code that is right
import torch


def test_no_token_sees_the_future(attend):
    # Minus infinity hides a score, but a weight of 0 times NaN is NaN.
    x = torch.randn(3, 6, 2, 4, generator=torch.Generator().manual_seed(0))
    for t in range(6):
        changed = x.clone()
        changed[:, t:] = float("nan")
        assert not attend(*changed)[:t].isnan().any()
