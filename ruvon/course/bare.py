"""Part 00 · Bare figures: what was measured and is typed by hand, instead of taken from results.

Found are factors (`5x`, `twice as fast`), times and rates, and in tables also bare numbers whose
column, row or corner names a unit at its end (`floor, ms`). A number of whole seconds or minutes is
often a setting or a plan (`under 90 seconds`, `about 60 minutes`), so it counts as measured only
after a word that measures: `it takes 3 seconds`, `done in 5 s`. Bytes are not looked at: `24 GB`
may be computed, bought or measured, and no word nearby tells which.

What only looks measured, such as a setting or a figure assumed for an example, is written as code,
`20 ms`, which is not looked at. A page of docs/ that is a log, where every entry is dated, says so
in a comment (LOG) and may have bare times and rates; a factor still needs its source.
"""

import re
from collections.abc import Iterator

from ruvon.course.article import Article

LOG = "<!-- a log: figures are dated -->"

_NUMBER = r"(?<![\w.])\d[\d.,]*"
_DECIMALS = r"(?<![\w.])\d[\d,]*\.\d+"

_MORE = (
    r"(?:faster|slower|quicker|smaller|larger|bigger|longer|shorter|cheaper|dearer"
    r"|as\s+(?:fast|slow|quick|much|many|long|large|big|small)|the\s+speed)"
)
_MANY = r"(?:\d[\d.,]*|two|three|four|five|six|seven|eight|nine|ten|twenty|fifty|hundred|thousand)"
_FACTOR = re.compile(
    rf"(?<![\w.])(?:\d[\d.,]*\s?[x×](?![\w×])(?!\s*[\d(])|{_MANY}[\s-]times\s+{_MORE}"
    rf"|(?:twice|thrice)\s+{_MORE})",
    re.IGNORECASE,
)

_SHORT = r"(?:ms|µs|us|ns|(?:milli|micro|nano)seconds?)"
_THINGS = r"(?:tokens?|operations?|requests?|steps?|bytes|[KMGT]i?B)"
_RATE = (
    rf"(?:(?:thousand|million|billion|trillion)\s+)?(?:{_THINGS}\s+(?:a|per)\s+second"
    rf"|(?:{_THINGS}|tok|req|[MGT]?FLOP)/s|[MGT]?FLOPS)"
)
_SECONDS = r"(?:s|sec|seconds?|min|minutes?|hours?)"
_MEASURES = (
    r"\b(?:takes?|took|taken|needs|needed|costs?|lasts?|lasted|in)\s+"
    r"(?:(?:about|nearly|almost|roughly|only|just|some|another)\s+)*"
)
_TIMING = re.compile(
    rf"(?P<short>{_NUMBER}\s*(?:{_SHORT}|{_RATE})(?!\w))"
    rf"|(?P<seconds>{_DECIMALS}\s*{_SECONDS}(?!\w))"
    rf"|{_MEASURES}(?P<whole>{_NUMBER}\s*{_SECONDS}(?!\w))"
)


_IN_UNITS = re.compile(rf"[,(]\s*(?:{_SHORT}|{_RATE}|{_SECONDS})\)?\s*$")
_CELL = re.compile(r"(?<=\|)[^|\n]+(?=\|)")
_ONLY_A_NUMBER = re.compile(r"[\s*]*(\d[\d.,]*)[\s*]*")


def bare_figures(page: Article, log: bool) -> Iterator[tuple[int, str]]:
    """Offset and text of each figure that has no source. `log`: LOG counts on this page."""
    for found in _FACTOR.finditer(page.without_links):
        yield found.start(), found[0]
    if log and LOG in page.prose:
        return
    for found in _TIMING.finditer(page.without_links):
        group = found.lastgroup or 0
        yield found.start(group), found[group]
    yield from _table_figures(page.without_links)


def _table_figures(text: str) -> Iterator[tuple[int, str]]:
    """The bare numbers in tables that name their unit; the first column is for labels."""
    head: list[bool] = []  # whether a column names a unit; empty outside of tables
    at = 0
    for line in text.splitlines(keepends=True):
        cells = list(_CELL.finditer(line)) if line.lstrip().startswith("|") else []
        named = [bool(_IN_UNITS.search(cell[0])) for cell in cells]
        if not cells or not head:
            head, at = named, at + len(line)
            continue
        # A corner speaks for the whole table, unless it heads a column of numbers.
        corner = head[0] and not _ONLY_A_NUMBER.fullmatch(cells[0][0])
        for cell, column in list(zip(cells, head, strict=False))[1:]:
            number = _ONLY_A_NUMBER.fullmatch(cell[0])
            if number and (column or named[0] or corner):
                yield at + cell.start() + number.start(1), number[1]
        at += len(line)
