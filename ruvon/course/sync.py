"""Part 00 · `ruvon course sync`: write into the articles what the checks compare them with."""

from pathlib import Path

from ruvon.course.article import Edit
from ruvon.course.article import Fault
from ruvon.course.check import check_page
from ruvon.course.checkout import Checkout


def sync(checkout: Checkout, part: int | None = None, run: bool = True) -> list[Fault]:
    """Mend what can be mended in one part's pages or in all; returns the faults mended."""
    mended: list[Fault] = []
    for path in checkout.pages(part):
        page = checkout.page(path)
        faults = [fault for fault in check_page(checkout, page, run) if fault.edit]
        if faults:
            text = apply(page.text, [fault.edit for fault in faults if fault.edit])
            _write(path, text)
            checkout.forget(path)
            mended += faults
    return mended


def apply(text: str, edits: list[Edit]) -> str:
    """`text` with all edits made; they do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
