"""Part 00 · Rules for links, images and terms."""

from collections.abc import Iterator
from urllib.parse import unquote

from ruvon.course.article import Article
from ruvon.course.article import Fault
from ruvon.course.article import Link
from ruvon.course.article import slug
from ruvon.course.checkout import Checkout
from ruvon.course.manifest import Part


def check_links(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """Links resolve, and images say in words what they show."""
    for line, name in page.undefined:
        yield Fault(page.path, line, f"[{name}] is defined nowhere", f"add `[{name}]: target`")
    for link in page.links:
        if link.image and link.alt is None:
            what = f"the image {link.target} has no alt text"
            yield Fault(page.path, link.line, what, "say in words what it shows")
        problem = _problem(checkout, page, link)
        if problem:
            yield Fault(page.path, link.line, *problem)


def _problem(checkout: Checkout, page: Article, link: Link) -> tuple[str, str] | None:
    """What is wrong with a link's target, and the way out."""
    target = link.target
    if target.startswith(("https://", "mailto:")):
        return None
    if "://" in target:
        return f"the link {target} is not https", "use https"
    if target.startswith("/"):
        return f"the link {target} starts at the root", "make it relative to this page"
    name, _, anchor = target.partition("#")
    path = (page.path.parent / unquote(name)).resolve() if name else page.path
    if not target or not path.exists():
        return f"the link {target!r} leads nowhere", f"{checkout.name(path)} does not exist"
    if not path.is_relative_to(checkout.root):
        return f"the link {target} leaves the repository", "link what is in it"
    if not anchor:
        return None
    if path.suffix != ".md":
        return f"the link {target} names a line, and lines move", "name the symbol in the text"
    there = checkout.page(path).anchors
    if unquote(anchor) not in there:
        return f"{checkout.name(path)} has no heading #{anchor}", _nearest(anchor, there)
    return None


def _nearest(anchor: str, there: set[str]) -> str:
    """A hint: the heading that shares most letters, or none."""
    from difflib import get_close_matches

    close = get_close_matches(anchor, there, n=1)
    return f"did you mean #{close[0]}?" if close else "add the heading, or mend the link"


def unlinked_terms(checkout: Checkout, part: Part) -> Iterator[tuple[str, bool]]:
    """The terms of a part that its article never links (False) or that no glossary has (True)."""
    path = checkout.root / "parts" / part.folder / "README.md"
    linked = set()
    if path.is_file():
        linked = {term for _, term in _term_links(checkout, checkout.page(path))}
    for term in part.terms:
        if slug(term) not in checkout.glossary:
            yield term, True
        if path.is_file() and slug(term) not in linked:
            yield term, False


def _term_links(checkout: Checkout, page: Article) -> Iterator[tuple[int, str]]:
    """Line and anchor of each link into the glossary."""
    glossary = checkout.root / "docs" / "glossary.md"
    for link in page.links:
        name, _, anchor = link.target.partition("#")
        if anchor and name and (page.path.parent / name).resolve() == glossary:
            yield link.line, anchor
