"""Part 1 · The commands of `ruvon`, one module each."""
