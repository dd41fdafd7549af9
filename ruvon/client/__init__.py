"""Part 4 · Clients: what speaks to a server, and knows nothing of the engine behind it."""
