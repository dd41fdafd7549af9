"""Part 4 · The HTTP server: OpenAI's API over a Backend."""
