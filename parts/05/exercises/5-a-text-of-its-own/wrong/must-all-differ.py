# says: rejects a sampler that is right
"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    other = 2
    rows = [
        {},
        {},
        {"seed": other},
        {"position": other},
        {"top_k": other},
        {"min_p": 0.5},
        {"temperature": 0.3},
        {"temperature": 0.0},
        {"logits": 7},
    ]
    for together in (rows, list(reversed(rows))):
        alone = [token for row in together for token in draw([row])]
        assert draw(together) == alone
    for name in ("seed", "choice", "position"):
        one = draw([{**row, name: 1} for row in rows])
        two = draw([{**row, name: other} for row in rows])
        assert all(a != b for a, b in zip(one, two))
