"""Part 3 · Where keys and values live."""
