from pathlib import Path

import pytest

from ruvon.course.article import Article
from ruvon.course.article import slug


def article(text):
    return Article(Path("page.md"), text)


def test_fences_are_found_with_their_place_and_without_their_indentation():
    page = article("a\n\n- b\n\n  ```python x.py f @1\n  def f():\n      pass\n  ```\nc\n")
    (fence,) = page.fences
    assert (fence.line, fence.word, fence.rest) == (5, "python", "x.py f @1")
    assert fence.body == ("def f():", "    pass")
    assert page.text[fence.start : fence.end] == "  def f():\n      pass\n"
    edit = fence.replaced(["def g():", "", "    pass"])
    assert edit.text == "  def g():\n\n      pass\n"


def test_a_longer_fence_holds_a_shorter_one_and_an_open_one_is_noticed():
    page = article("````markdown\n```python\n```\n````\n\n~~~text\n```\n")
    assert [(f.word, f.closed) for f in page.fences] == [("markdown", True), ("text", False)]


def test_three_backticks_in_a_line_are_code_and_not_a_fence():
    assert article("``` a ``` is code\n").fences == []


def test_masks_keep_every_offset():
    page = article("é `5x` <!--r a.b-->1<!--/r--> [t](u)\n```text\n5x\n```\nend\n")
    for mask in (page.outside, page.prose, page.plain, page.without_links):
        assert len(mask) == len(page.text)
        assert mask.count("\n") == page.text.count("\n")
    assert "5x" not in page.prose and "5x" in page.outside
    assert "1" not in page.plain and "u" not in page.without_links


def test_references_are_found_but_not_in_code():
    page = article("`<!--r no.no-->1<!--/r-->`\n| <!--r a.b:.1f--> 2.0 <!--/r--> |\n")
    (ref,) = page.refs
    assert (ref.line, ref.spec, ref.value) == (2, "a.b:.1f", " 2.0 ")
    assert page.text[ref.start : ref.end] == " 2.0 "


@pytest.mark.parametrize("text", ["<!--r a.b-->1\n", "1<!--/r-->\n", "<!--r a.b-->1\n<!--/r-->\n"])
def test_half_a_reference_is_noticed(text):
    assert article(text).broken_refs


def test_links_of_every_kind():
    page = article(
        '[a](one.md) [b `c`](two.md#x "title") ![alt](three.svg) [![in](four.svg)](five.md)\n'
        "[d]: six.md\n[^1]: seven\n<https://example.org>\n`[no](no.md)` <!-- [no](no.md) -->\n"
        '<img src="eight.svg" alt="said"> <img src="nine.svg"> <a href="ten.md">t</a>\n'
        "[w](https://en.wikipedia.org/wiki/A_(b)) ![](eleven.svg)\n"
    )
    assert [(link.target, link.image, link.alt) for link in page.links] == [
        ("one.md", False, None),
        ("two.md#x", False, None),
        ("three.svg", True, "alt"),
        ("five.md", False, None),
        ("four.svg", True, "in"),
        ("six.md", False, None),
        ("eight.svg", True, "said"),
        ("nine.svg", True, None),
        ("ten.md", False, None),
        ("https://en.wikipedia.org/wiki/A_(b)", False, None),
        ("eleven.svg", True, None),
    ]


def test_a_link_by_an_undefined_name_is_noticed():
    page = article("[a][one] and [Two][]\n\n[one]: x.md\n")
    assert page.undefined == [(1, "Two")]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("KV cache", "kv-cache"),
        ("What `Block.__call__` does", "what-block__call__-does"),
        ("Part 1 · Tokenizer", "part-1--tokenizer"),
        ("[A link](x.md), and *stress*!", "a-link-and-stress"),
        ("Größe", "größe"),
        ("top-k / top-p", "top-k--top-p"),
    ],
)
def test_anchors_follow_githubs_rules(heading, anchor):
    assert slug(heading) == anchor


def test_equal_headings_get_numbers():
    page = article("# A\n## B\n## B ##\n```text\n# no\n```\n<a id='own'></a>\n")
    assert page.anchors == {"a", "b", "b-1", "own"}


def test_words_leave_out_fences_comments_and_the_head():
    page = article(
        "# One two\n<!-- head -->\nnot counted\n<!-- /head -->\n"
        "three <!-- not --> [four](not.md) `five`\n```text\nnot\n```\n"
    )
    assert page.words == 5


def test_markers_stand_once_each():
    assert article("<!-- head -->\nx\n<!-- /head -->\n").between("head") == (13, 16)
    assert article("<!-- head -->\nx\n").between("head") is None
    assert article("<!-- head --><!-- head --><!-- /head -->").between("head") is None
