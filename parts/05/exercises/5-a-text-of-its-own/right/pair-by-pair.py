"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    mine = {"position": 4, "choice": 1, "seed": 7}
    [want] = draw([mine])
    neighbours = [
        {},
        {"seed": 8},
        {"temperature": 0},
        {"temperature": 0.1},
        {"top_k": 1},
        {"min_p": 0.9},
        {"position": 20, "choice": 3, "logits": 5},
        {"logits": 7},
        mine,
    ]
    for other in neighbours:
        assert draw([mine, other])[0] == want, other
        assert draw([other, mine])[1] == want, other
    assert draw([mine, {"logits": 7}])[1] == -1
    for name in ("seed", "choice", "position"):
        want = draw([mine] * 9)
        assert draw([{**mine, name: n} for n in range(20, 29)]) != want, name
