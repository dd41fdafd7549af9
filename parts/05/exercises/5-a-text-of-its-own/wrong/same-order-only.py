# says: Your test accepts a sampler in which a row of NaN leaves those after it
"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    rows = [
        {},
        {},
        {"seed": 1},
        {"position": 2},
        {"temperature": 0.0},
        {"temperature": 0.3},
        {"min_p": 0.5},
        {"top_k": 1},
        {"logits": 7},
    ]
    alone = [token for row in rows for token in draw([row])]
    assert draw(rows) == alone
    for name in ("seed", "choice", "position"):
        one, two = ([{**row, name: n} for row in rows] for n in (1, 2))
        assert draw(one) != draw(two)
