"""No page uses a term before the part, or the line, that introduces it."""

import pytest

from ruvon.course.check import check
from ruvon.course.concepts import early_terms
from ruvon.course.reviewed import accept
from ruvon.course.sync import sync

LINK = "[prefill](../../docs/glossary.md#prefill)"


@pytest.fixture
def course(tree):
    """Terms of three parts; part 1 has an article without a fault."""
    tree.parts[0].terms = ("prefill", "vocabulary", "head")
    tree.parts[0].everyday = ("head",)
    tree.parts[1].terms = ("batch", "chunked prefill", "top-k", "decode")
    tree.parts[1].everyday = ("decode",)
    tree.parts[2].terms = ("KV cache", "LoRA")
    return tree


def early(tree, text, part=1):
    return [(text[at:][: len(term)], term, born) for at, term, born in found(tree, text, part)]


def found(tree, text, part):
    return list(early_terms(text, part, tree.open()))


def terms(tree, text, part=1):
    return [term for _, term, _ in early(tree, text, part)]


def faults(tree):
    return [
        f"{tree.open().name(fault.path)}:{fault.line}: {fault.what}; {fault.way_out}"
        for fault in check(tree.open(), 1, run=False)
        if not fault.warning
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It has a KV cache.", [("KV cache", "KV cache", 3)]),
        ("Two kv caches", [("kv cache", "KV cache", 3)]),
        ("A KV-cache", [("KV-cache", "KV cache", 3)]),
        ("A KV\ncache", [("KV\ncache", "KV cache", 3)]),
        ("Batches, and top k", [("Batch", "batch", 2), ("top k", "top-k", 2)]),
        ("# A batch", [("batch", "batch", 2)]),
        ("![a batch](x.svg)", [("batch", "batch", 2)]),
        ("It is a chunked prefill.", [("chunked prefill", "chunked prefill", 2)]),
        ("| batch | 3 |", [("batch", "batch", 2)]),
        ("[the keys](../../docs/glossary.md#kv-cache)", [("[the key", "KV cache", 3)]),
        ("[KV cache](../../docs/glossary.md#kv-cache)", [("[KV cach", "KV cache", 3)]),
        ("[LoRA](https://x.org)", [("LoRA", "LoRA", 3)]),
    ],
)
def test_a_term_of_a_later_part_is_found(course, text, expected):
    assert early(course, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "A prefill, vocabularies, a head.",
        "`batch` and <!-- batch --> and [x](batch.md) and <a href='batch'>x</a>",
        "```text\nbatch\n```",
        "<!-- head -->\nbatch\n<!-- /head -->",
        "A tokenizer decodes, we decode; batching, unbatched, a batchful, flora",
        "<!--r a.b-->batch<!--/r-->",
    ],
)
def test_what_is_no_term_of_a_later_part(course, text):
    assert early(course, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A batch comes in Part 2.", []),
        ("[Part 2](../02/README.md) has a\nbatch", []),
        ("A batch is for Part 3.", []),
        ("Parts 2 and 3 have batches and a KV cache.", []),
        ("Parts 1 to 3 do; a KV cache, say.", []),
        ("A batch was in Part 1.", ["batch"]),
        ("A KV cache, unlike Part 2.", ["KV cache"]),
        ("A batch. Part 2 has it.", ["batch"]),
        ('It is "a batch." Part 2 has it.', ["batch"]),
        ("A batch\n\nPart 2", ["batch"]),
        ("- A batch. It comes\n  in Part 2.\n- Another batch.", ["batch"]),
        ("| batch | Part 2 |\n|---|---|\n| batch | |", ["batch"]),
        ("## A batch\nPart 2 has it.", ["batch"]),
        ("Text.\n\n1. A batch. See Part 2.\n2. LoRA", ["LoRA"]),
        ("A batch `Part 2`", ["batch"]),
        ("A batch is 2.5 of Part 2.", []),
    ],
)
def test_a_forward_reference_says_where_it_leads(course, text, expected):
    assert terms(course, text) == expected


def test_what_is_early_in_one_part_is_known_in_the_next(course):
    text = "A batch and a KV cache."
    assert terms(course, text, 1) == ["batch", "KV cache"]
    assert terms(course, text, 2) == ["KV cache"]
    assert terms(course, text, 3) == []


def test_an_everyday_word_is_a_term_where_it_is_linked(course):
    linked = "We decode. Then [decode](docs/glossary.md#decode) follows."
    assert terms(course, linked) == ["decode"]
    assert found(course, linked, 1)[0][0] == linked.index("[")


def test_a_course_without_terms(course):
    for part in course.parts:
        part.terms, part.everyday = (), ()
    assert early(course, "Any text, even empty words.") == []


# Articles


def write(tree, text, name="parts/01/README.md"):
    tree.write(name, f"# Prefill and vocabulary\n\n<!-- head -->\n<!-- /head -->\n\n{text}\n")
    sync(tree.open(), run=False)
    accept(tree.open())


@pytest.fixture
def article(course):
    """Writes the article of part 1, which introduces one term. -> its faults."""
    course.parts[0].terms, course.parts[0].everyday = ("prefill",), ()

    def written(text):
        write(course, text)
        return faults(course)

    return written


def test_the_page_names_line_and_part(article):
    (fault,) = article(f"{LINK}\n\nIt has a batch.\n")
    assert fault.startswith("parts/01/README.md:")
    assert "the term 'batch' belongs to part 2; say it in the words of this part" in fault
    assert "or name Part 2 in the same sentence" in fault


def test_a_term_is_introduced_at_its_first_use(article):
    (fault,) = article(f"Prefills are first.\n\nThen {LINK}, prefill.\n")
    assert "'prefill' is used here, and line " in fault
    assert "link glossary.md#prefill here, or use another word until then" in fault
    assert article(f"{LINK} is first, prefill follows.\n") == []
    assert article(f"## All about prefill\n\n`prefill` {LINK}\n") == []
    assert article(f"[The first phase](../../docs/glossary.md#prefill) is prefill. {LINK}") == []


def test_an_exercise_may_use_what_its_part_introduces_and_no_more(course, article):
    article(LINK)
    course.write("parts/01/exercises/sum/README.md", "# A sum\n\nA prefill of a batch.\n")
    (fault,) = faults(course)
    assert "parts/01/exercises/sum/README.md:3: the term 'batch' belongs to part 2" in fault


def test_pages_of_no_part_may_use_every_term(course, article):
    article(LINK)
    course.write("docs/page.md", "# P\n\nA batch with a KV cache.\n")
    assert [f for f in check(course.open(), None, run=False) if "term" in f.what] == []
