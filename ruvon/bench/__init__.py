"""Part 3 · Benchmarks: what a step costs, beside what it must cost."""
