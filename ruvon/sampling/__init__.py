"""Part 2 · Choosing the next token."""
