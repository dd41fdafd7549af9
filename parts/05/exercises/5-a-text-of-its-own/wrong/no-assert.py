# says: Your test accepts a sampler 
"""Exercise 5.5: a test for samplers. `draw` is given to it, and calls the engine's or another."""


def test_a_row_is_its_own(draw):
    """Fails for every sampler that breaks one of the three promises.

    `draw([{"seed": 7}, {"seed": 7, "top_k": 5}])` gives two tokens.
    """
    draw([{}, {"seed": 1}])[:1] == draw([{}])
