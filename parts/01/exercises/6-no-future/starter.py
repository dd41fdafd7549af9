import torch


def test_no_token_sees_the_future(attend):
    """attend(q, k, v) -> out; all of them are [T, heads, head_dim]."""
    raise NotImplementedError("exercise 1.6: write this body")
