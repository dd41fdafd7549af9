import torch


def test_no_token_sees_the_future(attend):
    """Whatever becomes of the tokens from t on, the rows before t stay as they are."""
    x = torch.tensor([[[0.1], [0.9]], [[0.7], [0.2]], [[0.3], [0.5]]])  # [T, heads, head_dim]
    before = attend(x, x, x)
    for t in range(len(x)):
        changed = x.clone()
        changed[t:] = 9.0
        after = attend(changed, changed, changed)
        assert after[:t].equal(before[:t])
