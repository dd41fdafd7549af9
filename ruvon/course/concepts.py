"""Part 00 · The order of concepts: no term is used before the part, or the line, that brings it.

The terms are those of parts/parts.toml. One is found by its words, in any case and in the plural,
over line breaks and hyphens; where two begin at the same word the longer one counts. Terms that
are plain words too (`everyday` in the manifest) are found only as links into the glossary.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ruvon.course.article import HIDDEN
from ruvon.course.article import Article
from ruvon.course.article import Fault
from ruvon.course.article import slug
from ruvon.course.checkout import Checkout

_GLOSSARY = re.compile(r"(?:.*/)?glossary\.md#(?P<anchor>.+)")
_PARTS = re.compile(r"\bPart\s+\d+|\bParts\s+\d+(?:\s*(?:,|–|and|or|to)\s*\d+)*")
_WHOLE = re.compile(r"[ \t>]*(?:[-*+][ \t]|\d+[.)][ \t]|\||#{1,6}[ \t])")  # item, row, heading
_BLANK = re.compile(r"[ \t>]*$")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_END = re.compile(r"[.!?][\"')\]*_”’]*\s+")  # of a sentence


@dataclass(frozen=True)
class Use:
    """A term in a text."""

    offset: int
    term: str
    linked: bool  # into the glossary


def early_terms(text: str, part: int, checkout: Checkout) -> Iterator[tuple[int, str, int]]:
    """Offset, term and part of each term in some Markdown that a later part than `part` brings.

    A forward reference may use one, if it says where it leads: the same sentence, table row or list
    item names that part or a later one.
    """
    article = Article(checkout.root / "page.md", text)
    prose = _read(article)
    starts = _units(prose)
    for use in _uses(article, checkout):
        born = checkout.terms[use.term]
        unit = bisect_right(starts, use.offset) - 1
        if max(part, _latest_named(prose[starts[unit] : starts[unit + 1]])) < born:
            yield use.offset, use.term, born


def check_concepts(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """A part's pages use the terms of its own part, once introduced, and of those before it."""
    part = checkout.part_of(page.path)
    if part is None:
        return
    for offset, term, born in early_terms(page.text, part, checkout):
        what = f"the term {term!r} belongs to part {born}"
        way_out = f"say it in the words of this part, or name Part {born} in the same sentence"
        yield Fault(page.path, page.line(offset), what, way_out)
    if checkout.is_article(page.path):
        yield from _unintroduced(checkout, page, part)


def _unintroduced(checkout: Checkout, page: Article, part: int) -> Iterator[Fault]:
    """The terms of a part that its article uses before the link that introduces them.

    A title or a heading may. A term that is never linked is told elsewhere.
    """
    uses = _uses(page, checkout)
    links: dict[str, int] = {}
    for use in uses:
        if use.linked:
            links.setdefault(use.term, use.offset)
    seen: set[str] = set()
    headings = {line for line, _, _ in page.headings}
    for use in uses:
        line = page.line(use.offset)
        if line in headings or use.term in seen or checkout.terms[use.term] != part:
            continue
        seen.add(use.term)
        if use.offset < links.get(use.term, 0):
            there = page.line(links[use.term])
            what = f"{use.term!r} is used here, and line {there} introduces it"
            way_out = f"link glossary.md#{slug(use.term)} here, or use another word until then"
            yield Fault(page.path, line, what, way_out)


def _uses(article: Article, checkout: Checkout) -> list[Use]:
    """All uses of terms in a text, in order. A link counts once, whatever its words are."""
    anchors = {slug(term): term for term in checkout.terms}
    uses: list[Use] = []
    linked: dict[str, list[tuple[int, int]]] = {}
    for link in article.links:
        target = _GLOSSARY.fullmatch(link.target)
        term = anchors.get(target["anchor"]) if target else None
        if term:
            uses.append(Use(link.start, term, linked=True))
            linked.setdefault(term, []).append((link.start, link.end))
    terms = tuple(checkout.terms)
    for found in _pattern(terms).finditer(_read(article)):
        term = terms[int((found.lastgroup or "")[1:])]
        inside = any(start < found.start() < end for start, end in linked.get(term, []))
        if not inside and term not in checkout.everyday:
            uses.append(Use(found.start(), term, linked=False))
    return sorted(uses, key=lambda use: use.offset)


def _latest_named(unit: str) -> int:
    """The highest part that a sentence names, or 0."""
    named = _PARTS.findall(unit)
    return max((int(number) for words in named for number in re.findall(r"\d+", words)), default=0)


def _read(article: Article) -> str:
    """The text as it is read: no code, no targets of links, no generated head. Offsets stay."""
    text = article.without_links
    start, end = article.between("head") or (0, 0)
    return text[:start] + re.sub(r"[^\n]", HIDDEN, text[start:end]) + text[end:]


@lru_cache(maxsize=4)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """What finds the terms, the longest first; the group's number says which one it is."""
    longest = sorted(range(len(terms)), key=lambda index: -len(terms[index]))
    forms = "|".join(f"(?P<t{index}>{_form(terms[index])})" for index in longest)
    return re.compile(rf"(?<!\w)(?:{forms or '(?!)'})(?!\w)", re.IGNORECASE)


def _form(term: str) -> str:
    """A pattern for a term and its plural."""
    words = [re.escape(word) for word in re.split(r"[\s-]+", term)]
    if re.search(r"[^aeiou]y$", words[-1], re.IGNORECASE):
        words[-1] = f"{words[-1][:-1]}(?:y|ies)"
    else:
        words[-1] += "(?:s|es)?"
    return r"[\s-]+".join(words)


def _units(text: str) -> list[int]:
    """Where sentences, rows of tables, items of lists and headings start, and where the text ends.

    A row, an item and a heading are one unit each, however many sentences they have.
    """
    starts, at = [0], 0
    whole = False
    for line in text.splitlines(keepends=True):
        heading = _HEADING.match(line)
        if _BLANK.match(line) or _WHOLE.match(line):
            starts.append(at)
            whole = not _BLANK.match(line)
        if not whole:
            starts += [at + end.end() for end in _END.finditer(line)]
        at += len(line)
        if heading:
            starts.append(at)
            whole = False
    return [*sorted(set(starts) - {at}), at]
