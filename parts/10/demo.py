"""Part 10: how likely was each word? A sentence, endings to choose from, and shuffled stories."""

import math
import sys
from pathlib import Path
from textwrap import shorten

from rich.console import Console
from rich.table import Table

from ruvon import LLM
from ruvon.course.expected import check_expected
from ruvon.sampling.logprobs import Logprob

sys.path.insert(0, str(Path(__file__).parent))
from scoring import mean
from scoring import of_ending
from scoring import perplexity
from scoring import ranks
from scoring import scores
from scoring import shuffled
from scoring import total
from texts import ENDINGS
from texts import SENTENCE
from texts import STORIES

DEEPEST = 10  # ranks beyond it are counted as one more
NEW = 12
console = Console(highlight=False)


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def color(probability: float) -> str:
    """Green for what the model expected, red for what surprised it."""
    return "green" if probability > 0.3 else "yellow" if probability > 0.03 else "red"


def show_tokens(llm: LLM, scored: list[Logprob]) -> None:
    """A token, its probability as a bar, and what was likeliest in its place."""
    assert llm.tokenizer is not None
    for one in scored:
        share = math.exp(one.logprob)
        first, value = one.top[0]
        bar = f"[{color(share)}]{'█' * max(1, round(24 * share)):24}[/]"
        instead = (
            "" if first == one.id else f"{llm.tokenizer.decode([first])!r} {math.exp(value):.0%}"
        )
        name = llm.tokenizer.decode([one.id])
        console.print(f"  {name!r:10} {bar} {share:6.1%}  [dim]{instead}[/]")


def show_endings(llm: LLM) -> tuple[list[int], list[int]]:
    """-> which ending has the highest sum, and which the highest mean, of each beginning."""
    by_sum, by_mean = [], []
    for beginning, endings in ENDINGS:
        scored = [of_ending(llm, beginning, ending) for ending in endings]
        sums, means = [[by(one) for one in scored] for by in (total, mean)]
        by_sum.append(sums.index(max(sums)))
        by_mean.append(means.index(max(means)))
        console.print(f"  {beginning} ...")
        for at, ending in enumerate(endings):
            marks = ("sum" if at == by_sum[-1] else "", "mean" if at == by_mean[-1] else "")
            console.print(
                f"    {sums[at]:6.1f} {means[at]:6.2f}  [green]{marks[0]:4}{marks[1]:5}[/]{ending}"
            )
    return by_sum, by_mean


def show_stories(llm: LLM) -> list[bool]:
    """-> whether each story is likelier than its words in another order."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("story", "tokens", "perplexity", "words shuffled"):
        table.add_column(column, justify="left" if column == "story" else "right")
    clear = []
    for text in STORIES:
        scored, mixed = scores(llm, text), scores(llm, shuffled(text, seed=0))
        first = shorten(text, 34, placeholder=" ...")
        table.add_row(
            first, str(len(scored)), f"{perplexity(scored):.1f}", f"{perplexity(mixed):,.0f}"
        )
        clear.append(perplexity(scored) < perplexity(mixed))
    console.print(table)
    return clear


def main() -> None:
    llm = LLM("story", device="cpu", dtype="float32")
    whole = llm.model.vocabulary

    heading("1. A sentence: how likely was each token?")
    scored = scores(llm, SENTENCE, whole)
    show_tokens(llm, scored)
    places = ranks(llm, scored)
    console.print(
        f"  {len(scored)} tokens, log-probability {total(scored):.1f}, "
        f"perplexity {perplexity(scored):.1f} of {whole:,} tokens"
    )

    heading("2. What greedy writes is rank 1 everywhere, and not always likely")
    [out] = llm.generate("Tom was hungry. He ate an", max_tokens=NEW, logprobs=2)
    made = out.outputs[0]
    show_tokens(llm, made.logprobs)
    firsts = [one.top[0][0] for one in made.logprobs]
    assert firsts == made.token_ids, "greedy takes the likeliest"
    gaps = [one.top[0][1] - one.top[1][1] for one in made.logprobs]
    assert min(gaps) > 1e-3, "a near tie may fall the other way on another machine"

    heading("3. Which ending is likelier? By the sum, and by the mean of a token")
    by_sum, by_mean = show_endings(llm)

    heading("4. Stories, and their words in another order")
    clear = show_stories(llm)
    console.print()
    check_expected(
        {
            "ids": [one.id for one in scored],
            "ranks": [min(place, DEEPEST + 1) for place in places],
            "greedy_ids": made.token_ids,
            "tokens_of_stories": [len(llm.encode(text)) for text in STORIES],
            "ending_by_sum": by_sum,
            "ending_by_mean": by_mean,
            "story_likelier": clear,
        }
    )


if __name__ == "__main__":
    main()
