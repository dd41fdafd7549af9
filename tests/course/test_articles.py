"""The articles of this checkout say what is so: code, output, numbers, links, terms."""

from pathlib import Path

import pytest

from ruvon.course.check import check_page
from ruvon.course.check import check_parts
from ruvon.course.checkout import Checkout
from ruvon.course.manifest import load_manifest
from ruvon.course.reviewed import check_records

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout():
    opened = Checkout(ROOT, load_manifest())
    yield opened
    opened.close()


def said(checkout, faults):
    return [
        f"{checkout.name(fault.path)}:{fault.line}: {fault.what}; {fault.way_out}"
        for fault in faults
        if not fault.warning
    ]


PAGES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "parts/*/README.md", "parts/*/exercises/*/*.md")
    for path in sorted(ROOT.glob(pattern))
    if not path.is_symlink()
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_is_so(checkout, page):
    assert said(checkout, check_page(checkout, checkout.page(ROOT / page))) == []


def test_every_part_has_its_article_terms_and_figures(checkout):
    assert said(checkout, check_parts(checkout)) == []


def test_what_was_accepted_is_of_pages_that_are_there(checkout):
    assert said(checkout, check_records(checkout)) == []


def test_the_pages_tested_here_are_those_that_the_command_checks(checkout):
    assert sorted(PAGES) == [checkout.name(path) for path in checkout.pages()]
