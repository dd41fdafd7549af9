"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    import random

    random.seed(1)
    for _ in range(60):
        rows = [
            {
                "position": random.randint(1, 3),
                "choice": random.randint(0, 1),
                "seed": random.randint(0, 3),
                "temperature": random.choice([0.0, 0.5, 1.0, 2.0]),
                "top_k": random.choice([0, 1, 5]),
                "min_p": random.choice([0.0, 0.3]),
                "logits": random.randrange(8),
            }
            for _ in range(4)
        ]
        for row, token in zip(rows, draw(rows)):
            assert draw((row,)) == [token]
    row = {"seed": 5, "position": 2}
    assert draw([row, row, row]) == draw([row]) * 3
    for name in ("seed", "choice", "position"):
        assert len({draw([{name: n}])[0] for n in range(1, 13)}) > 6
