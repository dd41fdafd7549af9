"""Part 8 · Continuous batching: sequences join and leave at every step, under a token budget.

Yu et al. (2022), "Orca: A Distributed Serving System for Transformer-Based Generative Models",
section 3.1, iteration-level scheduling. Prompts are computed in chunks that fit the budget: Agrawal
et al. (2024), "Taming Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve", section 4.
"""

from ruvon.engine.scheduler import Batch
from ruvon.engine.scheduler import Entry
from ruvon.engine.scheduler import Scheduler
from ruvon.seams import Cache


class Continuous(Scheduler):
    """One rule: what is computed chases what is known, `budget` tokens a step.

    Those who run come first, in the order in which they started, so that one token for each of them
    is never late; what is left of the budget starts those who wait.
    """

    def __init__(self, cache: Cache, most_running: int, budget: int) -> None:
        assert budget >= most_running, "each sequence that runs needs a token in every step"
        super().__init__(cache)
        self.most_running = most_running
        self.budget = budget

    def schedule(self) -> Batch:
        """As much of what is missing as the budget allows."""
        left, entries = self.budget, []
        for sequence in self.running.values():
            entry = Entry(sequence, sequence.computed, min(sequence.missing, left))
            left -= entry.count
            entries.append(entry)
        while left and len(self.running) < self.most_running and self.start_next():
            sequence = next(reversed(self.running.values()))
            entry = Entry(sequence, 0, min(sequence.missing, left))
            left -= entry.count
            entries.append(entry)
        return Batch(tuple(entry for entry in entries if entry.count))
