import re

import pytest
import typer
from typer.testing import CliRunner

from ruvon.course import course_command
from ruvon.course.check import check
from ruvon.course.reviewed import accept
from ruvon.course.sync import sync


def faults(tree, run=False, warnings=False):
    """What the check says, as it is printed, of an article that sync has filled in."""
    checkout = tree.open()
    found = check(checkout, None, run)
    checkout.close()
    return [
        f"{checkout.name(fault.path)}:{fault.line}: {fault.what}; {fault.way_out}"
        for fault in found
        if warnings or not fault.warning
    ]


@pytest.fixture
def good(tree):
    """A course without a fault, so that a planted one is the only one."""

    def written(extra=""):
        tree.article(extra)
        sync(tree.open(), run=False)
        accept(tree.open())
        return tree

    return written


def only(found, pattern):
    assert len(found) == 1, found
    assert re.search(pattern, found[0]), found[0]


def test_a_good_course_has_no_fault(good):
    assert faults(good()) == []


def test_a_reference_must_not_begin_a_line(good):
    tree = good("A word first, then\n<!--r decode.ms-->1<!--/r--> ms.\n")
    only(faults(tree), "a reference begins the line")


# Code


def fence(info, *lines):
    return "\n".join([f"```{info}", *lines, "```"])


@pytest.mark.parametrize(
    "text",
    [
        fence(
            "python ruvon/sums.py Adder.add @1",
            "def add(self, a, b):",
            "    ...",
            "    return a + b",
        ),
        fence(
            "python ruvon/sums.py Adder.add @2",
            "...",
            "    if a is None:",
            "        return b",
            "...",
        ),
        fence("python ruvon/sums.py @1", "import math"),
        fence("python ruvon/sums.py TABLE @2", "TABLE = {", '    "add": 1,', '    "sub": 2,', "}"),
        fence("python parts/01/demo.py", "import ruvon.cli"),
        fence("pseudo", "for ever: add"),
        fence("sh", "make part-01"),
        fence("text", "5x faster"),
    ],
)
def test_fences_that_say_what_is_there(good, text):
    assert faults(good(text)) == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (fence("", "a"), r"README.md:\d+: a fence has no label; call it one of python, output"),
        (fence("js", "a"), "called 'js'"),
        (fence("python", "a = 1"), "does not say which code it shows; name the file"),
        (fence("python ruvon/sums.py add", "a"), "names no stage; end the line with `@1`"),
        (fence("python parts/01/demo.py @1", "a"), "is outside of ruvon/ and has no stages"),
        (fence("python ruvon/gone.py add @1", "a"), "no Python file ruvon/gone.py"),
        (fence("python ruvon/sums.py Adder.sub @1", "a"), "no `sub` among add"),
        (fence("python ruvon/sums.py @1", "import os"), "has no line 'import os' there"),
        (fence("python ruvon/sums.py @1"), "the excerpt is empty; write the lines to show"),
        (
            fence(
                "python ruvon/sums.py Adder.add @1", "def add(self, a, b):", "...", "    return a"
            ),
            r"README.md:26: .* has no line '    return a' there; copy the lines again",
        ),
        (
            fence("python ruvon/sums.py Adder.add @1", "...", "    if a is None:", "..."),
            "has no line '    if a is None:' there",
        ),
        (fence("python ruvon/sums.py @0", "import math"), "is not there before part 1"),
        ("```text\nopen", "is not closed"),
    ],
)
def test_a_fence_with_a_planted_fault(good, text, pattern):
    only(faults(good(text)), pattern)


def test_code_that_changed_is_found_where_it_differs(good):
    tree = good()
    tree.write("ruvon/sums.py", tree.text("ruvon/sums.py").replace("return a + b", "return b + a"))
    sync(tree.open(), run=False)
    tree.write("ruvon/sums.py", tree.text("ruvon/sums.py").replace("return b + a", "return a + b"))
    accept(tree.open())
    only(faults(tree), r"README.md:\d+: .*has '    return a \+ b' where '    return b \+ a' stands")


def test_an_excerpt_is_at_most_25_lines(good):
    body = "\n".join(f"line_{n} = {n}" for n in range(25))
    good().write("parts/01/long.py", body + "\nlast = 1\n")
    tree = good(fence("python parts/01/long.py", body))
    assert faults(tree) == []
    only(faults(good(fence("python parts/01/long.py", body, "last = 1"))), "has 26 lines")


# Output


def test_output_is_what_the_stage_prints(good):
    first = fence("output ruvon a 'b c' @1", "hello a b c", "80 False False", "")
    second = fence("output python parts/01/demo.py @2", "hello", "later", "...")
    assert faults(good(first + "\n\n" + second), run=True) == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (fence("output ruvon a @1", "hello b", "80 False False"), "has 'hello a' where 'hello b'"),
        (fence("output ruvon a @2", "hello a", "80 False False"), "has 'later' where '80"),
        (fence("output ruvon a @1", "hello a"), "goes on with '80 False False'"),
        (fence("output ruvon fail @1", "hello"), "ends with code 1: it broke"),
        (fence("output ruvon a @9", "hello"), "there is no stage 9"),
        (fence("output rm x @1", "hello"), "neither `ruvon ...` nor `python FILE ...`"),
    ],
)
def test_output_with_a_planted_fault(good, text, pattern):
    tree = good(text)
    only(faults(tree, run=True), pattern)
    assert faults(tree, run=False) == []


def test_output_without_a_stage_is_a_fault_even_when_nothing_runs(good):
    only(faults(good(fence("output ruvon a", "hello"))), "which command prints it, and at which")


def test_recorded_output_names_results_with_a_command(good):
    tree = good(fence("output recorded results/decode.json", "any"))
    assert faults(tree) == []
    tree.write("parts/01/results/decode.json", "{}")
    only(faults(tree), "does not say which command it comes from")
    only(
        faults(good(fence("output recorded results/no.json", "any"))), "results/no.json is missing"
    )
    only(faults(good(fence("output recorded", "any"))), "does not name its results")


# Numbers


def test_a_number_is_what_the_results_say(good):
    tree = good(
        "It takes <!--r decode.ms-->11.6<!--/r--> ms, <!--r decode.ms*2:.1f-->23.2<!--/r-->x."
    )
    assert faults(tree, warnings=False) == []
    tree.write("parts/01/results/decode.json", '{"command": "x", "ms": 14.0}')
    first, second = faults(tree)
    assert "decode.ms is 14.0, and 11.6 stands here; run `ruvon course sync`" in first
    assert "decode.ms*2:.1f is 28.0" in second


def test_a_reference_that_leads_nowhere_is_a_fault(good):
    only(
        faults(good("It is <!--r decode.us-->1<!--/r-->")),
        "has no 'us'; it has the keys command, ms",
    )
    only(faults(good("<!--r decode.ms-->1")), "half a reference")


@pytest.mark.parametrize(
    "text",
    [
        "It is 5x as fast.",
        "It is 3.2× better",
        "About 5 times faster.",
        "ten times slower",
        "It is twice as fast",
        "5 x",
        "**40x**",
        "It is 5x.",
    ],
)
def test_a_factor_without_a_source_is_a_fault(good, text):
    only(faults(good(text)), "has no source; refer to the results")


@pytest.mark.parametrize(
    "text",
    [
        "`5x` and 4 × 64 and a 2x2 matrix, 0x1F, max, 3 x (4 + 1)",
        "[a](../../docs/glossary.md#prefill) three times a day",
        "it runs five times",
        "<!-- 5x -->",
    ],
)
def test_what_looks_like_a_factor_and_is_none(good, text):
    assert faults(good(text)) == []


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("It needs 12 ms, or 3 million.", "12 ms"),
        ("Reading takes 20 to 23.5 GB/s.", "23.5 GB/s"),
        ("At 210 GFLOP/s, no more.", "210 GFLOP/s"),
        ("It writes 1,250 tokens a second.", "1,250 tokens a second"),
        ("A rate of 170 billion operations a second", "170 billion operations a second"),
        ("Loading: 2.3 s", "2.3 s"),
        ("About 0.05 seconds later", "0.05 seconds"),
        ("It takes about 3 seconds", "3 seconds"),
        ("It was done in 5 s.", "5 s"),
        ("![it takes 4 ms](demo.py)", "4 ms"),
        ("| a | b |\n|---|---|\n| one | 12 ms |", "12 ms"),
        ("| a | floor, ms |\n|---|---|\n| one | **12.5** |", "12.5"),
        ("| a | b |\n|---|---|\n| measured, GB/s | 23 |", "23"),
        ("| its shape, ms | b |\n|---|---|\n| one | 12 |", "12"),
        ("<!-- a log: figures are dated -->\n\n12 ms in an article", "12 ms"),
    ],
)
def test_a_time_or_a_rate_without_a_source_is_a_fault(good, text, figure):
    only(faults(good(text)), f"the figure in {re.escape(repr(figure))} has no source")


@pytest.mark.parametrize(
    "text",
    [
        "under 90 seconds, about 60 minutes, after 300 s at most",
        "It waits `20 ms`, say, and <!--r decode.ms-->11.6<!--/r--> ms.",
        "24 GB, 103 MB, 64 tokens, 12 layers, 5 steps",
        "| a | floor, ms |\n|---|---|\n| 512 | <!--r decode.ms-->11.6<!--/r--> |",
        "| length, s | b |\n|---|---|\n| 1 | 12 |",
        "| a, ms |\n|---|\n| 5 |\n\nThen 7 | 8 |.",
        "<!-- 12 ms -->",
    ],
)
def test_what_looks_like_a_time_and_is_none(good, text):
    assert faults(good(text)) == []


def test_a_log_has_bare_times_and_no_bare_factors(good):
    tree = good()
    log = "# Log\n\n<!-- a log: figures are dated -->\n\n"
    tree.write("docs/log.md", "# Log\n\nIt took 12 ms.\n")
    only(faults(tree), "docs/log.md:3: the figure in '12 ms'")
    tree.write("docs/log.md", log + "It took 12 ms.\n")
    assert faults(tree) == []
    tree.write("docs/log.md", log + "It is 5x as fast.\n")
    only(faults(tree), "docs/log.md:5: the figure in '5x'")


# Links, images, terms


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("[a](gone.md)", "'gone.md' leads nowhere; parts/01/gone.md does not exist"),
        ("[a]()", "leads nowhere"),
        ("[a](#sum)", "parts/01/README.md has no heading #sum; did you mean #sums"),
        ("[a](../../docs/glossary.md#gone)", "docs/glossary.md has no heading #gone"),
        ("[a](http://example.org)", "is not https"),
        ("[a](/README.md)", "starts at the root"),
        ("[a](../../../)", "leaves the repository"),
        ("[a](demo.py#L3)", "names a line, and lines move"),
        ("[a][gone]", r"\[gone\] is defined nowhere"),
        ("![](demo.py)", "has no alt text"),
        ("![said](figures/gone.svg)", "figures/gone.svg' leads nowhere"),
        ('<img src="demo.py">', "has no alt text"),
        ("[KV cache](../../docs/glossary.md#kv-cache)", "the term 'KV cache' belongs to part 3"),
    ],
)
def test_a_link_with_a_planted_fault(good, text, pattern):
    only(faults(good(text)), pattern)


def test_links_that_resolve(good):
    text = "[a](#sums) [b](../../docs/glossary.md) [c](../01) [d](https://x.org) ![e](demo.py)"
    assert faults(good(text)) == []


def test_terms_stand_in_the_glossary_and_are_linked(good):
    tree = good()
    tree.parts[0].terms = ("prefill", "logit")
    missing, unlinked = sorted(faults(tree), key=lambda text: "never" in text)
    assert "'logit' of part 1 is not in docs/glossary.md; add a heading `### logit`" in missing
    assert "introduces 'logit', and its article never links it" in unlinked


def test_a_part_that_landed_has_an_article(good):
    tree = good()
    tree.parts[2].status, tree.parts[2].terms = "landed", ()
    assert any("part 3 has landed and has no parts/03/README.md" in text for text in faults(tree))


def test_every_figure_is_shown(good):
    tree = good()
    tree.write("parts/01/figures/a.svg", "<svg/>")
    only(faults(tree), "parts/01/figures/a.svg:1: nobody shows this figure")
    tree.write("parts/01/notebook.py", "# ![a](../parts/01/figures/a.svg)")
    assert faults(tree) == []
    (tree.root / "parts/01/notebook.py").unlink()
    assert faults(good("![said](figures/a.svg)")) == []


def test_an_exercise_is_a_page_and_no_article(good):
    tree = good()
    tree.write("parts/01/exercises/sum/README.md", "# A sum\n\nIt is 5x as fast.\n")
    tree.write("parts/01/exercises/sum/hint.md", "[a](gone.md)\n")
    first, second = faults(tree)
    assert "parts/01/exercises/sum/README.md:3: the figure in '5x'" in first
    assert "parts/01/exercises/sum/hint.md:1: the link 'gone.md'" in second
    assert not any("exercises" in text and "words" in text for text in faults(tree, warnings=True))


# What is generated


def test_a_head_that_says_something_else_is_a_fault(good):
    tree = good()
    text = tree.text()
    assert "make part-01" in text
    tree.write("parts/01/README.md", text.replace("make part-01", "make part-02"))
    only(faults(tree), "between the markers of 'head'")
    tree.write("parts/01/README.md", text.replace("<!-- /head -->", ""))
    only(faults(tree), "markers <!-- head --> and <!-- /head --> are not there")


@pytest.mark.parametrize(("page", "name"), [("README.md", "parts"), ("TODO.md", "todo")])
def test_generated_tables_follow_the_manifest(good, page, name):
    tree = good()
    tree.parts[2].title = "Another"
    assert any(f"{page}:3: between the markers of '{name}'" in text for text in faults(tree))
    sync(tree.open(), run=False)
    assert "Another" in tree.text(page)
    assert faults(tree) == []


def test_the_length_of_an_article_is_a_warning(good):
    tree = good()
    assert any("words; 1,000 to 1,800" in text for text in faults(tree, warnings=True))


# The command


def test_the_command_prints_each_fault_with_its_place_and_fails(good, monkeypatch):
    tree = good("[a](gone.md)")
    app = typer.Typer()
    app.callback()(lambda: None)
    course_command.register(app)
    monkeypatch.setattr(course_command, "_open", lambda part: tree.open())
    said = CliRunner().invoke(app, ["course", "check", "--no-run"])
    assert said.exit_code == 1
    assert re.search(
        r"^parts/01/README.md:\d+: the link 'gone.md' leads nowhere; ", said.output, re.M
    )
    assert said.output.endswith("5 pages, 1 fault\n")
    good("fine")
    said = CliRunner().invoke(app, ["course", "check", "--no-run", "--part", "1"])
    assert said.exit_code == 0, said.output
    assert "warning: the article has" in said.output
    assert said.output.endswith("1 page, all as they say\n")
