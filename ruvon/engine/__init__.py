"""Part 2 · The engine: from a prompt to its tokens."""
