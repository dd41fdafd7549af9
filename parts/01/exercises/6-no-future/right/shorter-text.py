import torch


def test_no_token_sees_the_future(attend):
    """Without its future a text gives the same, up to rounding: the shapes differ."""
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(6, 2, 4, generator=generator) for _ in range(3))
    whole = attend(q=q, k=k, v=v)
    for length in range(1, 6):
        short = attend(q[:length], k[:length], v[:length])
        assert torch.allclose(short, whole[:length], atol=1e-6)
