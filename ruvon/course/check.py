"""Part 00 · `ruvon course check`: what an article says is what is so."""

from collections.abc import Iterator
from pathlib import Path

from ruvon.course import readme
from ruvon.course.article import Article
from ruvon.course.article import Edit
from ruvon.course.article import Fault
from ruvon.course.bare import bare_figures
from ruvon.course.checkout import Checkout
from ruvon.course.concepts import check_concepts
from ruvon.course.fences import check_fences
from ruvon.course.links import check_links
from ruvon.course.links import unlinked_terms
from ruvon.course.reviewed import check_records
from ruvon.course.reviewed import check_reviewed
from ruvon.errors import RuvonError

WORDS = (1000, 1800)  # of an article


def check(checkout: Checkout, part: int | None = None, run: bool = True) -> list[Fault]:
    """All faults of one part's pages, or of the whole course, in order of place."""
    faults: list[Fault] = []
    for path in checkout.pages(part):
        faults += check_page(checkout, checkout.page(path), run)
    faults += check_parts(checkout, part)
    faults += check_records(checkout, part)
    return sorted(faults, key=lambda fault: (fault.path, fault.line))


def check_page(checkout: Checkout, page: Article, run: bool = True) -> Iterator[Fault]:
    """The faults of one page."""
    yield from check_fences(checkout, page, run)
    yield from check_numbers(checkout, page)
    yield from check_links(checkout, page)
    yield from check_concepts(checkout, page)
    yield from check_reviewed(checkout, page)
    yield from check_generated(checkout, page)
    yield from check_length(checkout, page)


def check_numbers(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """References say what the results say, and no figure is typed by hand."""
    part = checkout.part_of(page.path)
    for line in page.broken_refs:
        yield Fault(
            page.path,
            line,
            "half a reference",
            "write it on one line: `<!--r decode.ms-->11.6<!--/r-->`",
        )
    for ref in page.refs:
        if page.text.splitlines()[ref.line - 1].startswith("<!--r"):
            yield Fault(
                page.path,
                ref.line,
                "a reference begins the line, which Markdown takes for the start of raw HTML",
                "begin the line with the word before it",
            )
        try:
            value = checkout.results.text(ref.spec, part)
        except RuvonError as error:
            yield Fault(page.path, ref.line, str(error), "mend the reference, or measure again")
            continue
        if value != ref.value:
            yield Fault(
                page.path,
                ref.line,
                f"{ref.spec} is {value}, and {ref.value or 'nothing'} stands here",
                "run `ruvon course sync`",
                Edit(ref.start, ref.end, value),
            )
    for at, figure in bare_figures(page, log=part is None):
        yield Fault(
            page.path,
            page.line(at),
            f"the figure in {figure!r} has no source",
            "refer to the results: `<!--r median(a.ms)/median(b.ms):.1f-->5.0<!--/r-->x`; what was "
            "not measured is written as code",
        )


def check_generated(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """What stands between markers is what the manifest says."""
    for name, wanted in readme.generated(checkout, page.path).items():
        place = page.between(name)
        if place is None:
            yield Fault(
                page.path,
                1,
                f"the markers <!-- {name} --> and <!-- /{name} --> are not there, once each",
                "put both, each on a line of its own; `ruvon course sync` writes between them",
            )
        elif page.text[slice(*place)] != f"\n{wanted}\n":
            yield Fault(
                page.path,
                page.line(place[0]),
                f"between the markers of {name!r} stands what the manifest does not say",
                "run `ruvon course sync`",
                Edit(*place, f"\n{wanted}\n"),
            )


def check_length(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """An article can be read in one sitting."""
    if not checkout.is_article(page.path):
        return
    if not WORDS[0] <= page.words <= WORDS[1]:
        yield Fault(
            page.path,
            1,
            f"the article has {page.words:,} words",
            f"{WORDS[0]:,} to {WORDS[1]:,} read well",
            warning=True,
        )


def check_parts(checkout: Checkout, only: int | None = None) -> Iterator[Fault]:
    """Each part that has landed has its article, its terms in the glossary, its figures in use."""
    manifest = checkout.root / "parts" / "parts.toml"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    for part in checkout.parts:
        if only not in (None, part.number) or part.status != "landed":
            continue
        folder = checkout.root / "parts" / part.folder
        for term, linked in unlinked_terms(checkout, part):
            at = next((n for n, text in enumerate(lines, 1) if f'"{term}"' in text), 1)
            if not linked:
                what = f"part {part.number} introduces {term!r}, and its article never links it"
                yield Fault(folder / "README.md", 1, what, "link docs/glossary.md where it is born")
            else:
                what = f"{term!r} of part {part.number} is not in docs/glossary.md"
                yield Fault(manifest, at, what, f"add a heading `### {term}`, or drop the term")
        if not (folder / "README.md").is_file():
            yield Fault(
                manifest,
                1,
                f"part {part.number} has landed and has no parts/{part.folder}/README.md",
                "write the article, or say that the part is planned",
            )
        yield from unused_figures(checkout, folder)


def unused_figures(checkout: Checkout, folder: Path) -> Iterator[Fault]:
    """Figures that no article, notebook or page of docs/ shows."""
    figures = sorted(folder.glob("figures/*.svg"))
    if not figures:
        return
    used: set[Path] = set()
    for path in checkout.pages():
        links = checkout.page(path).links
        used |= {(path.parent / link.target.split("#")[0]).resolve() for link in links}
    notebook = folder / "notebook.py"
    text = notebook.read_text(encoding="utf-8") if notebook.is_file() else ""
    for figure in figures:
        if figure.resolve() not in used and f"figures/{figure.name}" not in text:
            yield Fault(figure, 1, "nobody shows this figure", "show it in the article, or drop it")
