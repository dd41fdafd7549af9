"""Part 00 · What a shipped model has to beat on the same bytes: 5-gram models, and xz."""

import lzma
from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence
from math import log2

# Where the counts are too few to estimate discounts from, which happens for single bytes. They
# are KenLM's (its option --discount_fallback); what they are hardly changes the result.
FALLBACK = (0.0, 0.5, 1.0, 1.5)


def spell(ids: Iterable[int]) -> str:
    """One character an id: strings are the fastest sequences that Python can cut and look up."""
    return "".join(map(chr, ids))


def discounts(counts: Iterable[int]) -> tuple[float, ...]:
    """What to take off a count of 0, of 1, of 2, and of 3 or more.

    Chen and Goodman (1998), section 3, the estimates for D1, D2 and D3+. They can leave the
    range in which they mean anything when little was counted, and are kept inside of it.
    """
    seen = Counter(counts)
    if not all(seen[count] for count in (1, 2, 3, 4)):
        return FALLBACK
    y = seen[1] / (seen[1] + 2 * seen[2])
    estimates = (count - (count + 1) * y * seen[count + 1] / seen[count] for count in (1, 2, 3))
    return (0.0, *(min(max(0.0, d), n) for n, d in enumerate(estimates, start=1)))


class Level:
    """The n-grams of one length, with what each of their contexts passes on to shorter ones."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts
        self.discounts = discounts(counts.values())
        self.total: Counter[str] = Counter()
        self.passed_on: dict[str, float] = {}
        for gram, count in counts.items():
            context = gram[:-1]
            self.total[context] += count
            self.passed_on[context] = self.passed_on.get(context, 0.0) + self.discount(count)

    def discount(self, count: int) -> float:
        """What is taken off this count."""
        return self.discounts[min(count, 3)]


class KneserNey:
    """An n-gram model with interpolated modified Kneser-Ney smoothing.

    Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1998,
    TR-10-98), section 3. The longest n-grams count how often they occur, shorter ones how many
    different symbols precede them. Those that begin a text are preceded by nothing, and count
    how often they occur at any length. Below single symbols lies the uniform distribution.

    A text is known to begin; its end is a symbol like others, so that it costs probability.
    """

    def __init__(
        self, texts: Iterable[Sequence[int]], vocabulary: int, end: int, order: int = 5
    ) -> None:
        """Count `texts`, whose ids are below `vocabulary` and are not `end`, the end symbol."""
        self.vocabulary, self.end, self.order = vocabulary, end, order
        counts: list[Counter[str]] = [Counter() for _ in range(order)]  # by length, less one
        for text in texts:
            line = spell([end, *text, end])
            for stop in range(2, len(line) + 1):
                gram = line[max(0, stop - order) : stop]
                counts[len(gram) - 1][gram] += 1
        for length in range(order - 1, 0, -1):
            counts[length - 1].update(gram[1:] for gram in counts[length])
        self.levels = [Level(c) for c in counts]

    def probability(self, before: Sequence[int], symbol: int) -> float:
        """P(symbol) after the ids `before`, which begin with the end symbol at a text's start."""
        return self._probability(spell(before[-self.order :]), chr(symbol))

    def bits(self, text: Sequence[int]) -> float:
        """Bits of a text's symbols, each given those before it. Its end is not counted."""
        line = spell([self.end, *text])
        return -sum(
            log2(self._probability(line[max(0, i - self.order) : i], line[i]))
            for i in range(1, len(line))
        )

    def _probability(self, before: str, symbol: str) -> float:
        p = 1 / self.vocabulary
        for length, level in enumerate(self.levels[: len(before) + 1]):
            context = before[len(before) - length :]
            total = level.total[context]
            if not total:  # then every longer context is new as well
                break
            count = level.counts[context + symbol]
            p = (count - level.discount(count) + level.passed_on[context] * p) / total
        return p


def xz_size(text: str) -> int:
    """Bytes of `text` under `xz -9e`, whose dictionary of 64 MiB holds all that came before."""
    return len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
