import torch


def test_no_token_sees_the_future(attend):
    q, k, v = torch.randn(3, 7, 3, 5)
    expected = attend(q, k, v)
    for last in range(6):
        later = [torch.cat([t[: last + 1], torch.randn(6 - last, 3, 5)]) for t in (q, k, v)]
        torch.testing.assert_close(
            attend(*later)[: last + 1], expected[: last + 1], rtol=0, atol=0
        )
