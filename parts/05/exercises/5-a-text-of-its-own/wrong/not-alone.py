# says: Your test accepts a sampler that counts the number of rows
"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    rows = [
        {},
        {},
        {"seed": 2},
        {"position": 2},
        {"top_k": 2},
        {"min_p": 0.5},
        {"temperature": 0.3},
        {"temperature": 0.0},
        {"logits": 7},
    ]
    assert draw(rows[::-1]) == draw(rows)[::-1]
    for name in ("seed", "choice", "position"):
        assert draw([{name: 1}]) != draw([{name: 2}])
