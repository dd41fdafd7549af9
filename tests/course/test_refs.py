import json
import re

import pytest

from ruvon.course.refs import RefError
from ruvon.course.refs import Results

DATA = {
    "command": "python measure.py",
    "ms": 11.62,
    "steps": 12345,
    "seconds": 0.01234,
    "samples": [3.0, 1.0, 2.0],
    "shapes": {"gpt2-xl": {"ms": 250.4}, "0.8": 7},
    "runs": [{"ms": 1.5}, {"ms": 2.5}],
    "empty": [],
    "zero": 0,
    "name": "AVX",
}


@pytest.fixture
def results(tmp_path):
    for part, data in ((1, {"ms": 1.0}), (3, DATA)):
        folder = tmp_path / "parts" / f"{part:02d}" / "results"
        folder.mkdir(parents=True)
        (folder / "decode.json").write_text(json.dumps(data))
    (folder / "broken.json").write_text("{")
    return Results(tmp_path)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("decode.ms", "11.6"),
        ("decode.ms:.0f", "12"),
        ("decode.steps", "12,345"),
        ("decode.steps:d", "12345"),
        ("decode.seconds", "0.0123"),
        ("decode.seconds*1000", "12.3"),
        ("decode.seconds*1000:.2f", "12.34"),
        ("decode.steps/1000:.1f", "12.3"),
        ("decode.steps*1.0", "12,300"),
        ("decode.samples[0]:.1f", "3.0"),
        ("decode.runs[1].ms:.1f", "2.5"),
        ("decode.shapes.gpt2-xl.ms", "250"),
        ('decode.shapes["0.8"]', "7"),
        ("median(decode.samples):.1f", "2.0"),
        ("max(decode.samples)/min(decode.samples):.1f", "3.0"),
        ("sum(decode.samples):.0f", "6"),
        ("mean(decode.samples):.0f", "2"),
        ("len(decode.samples)", "3"),
        ("len(decode.empty)", "0"),
        ("12.0/decode.samples[0]/decode.samples[2]:.0f", "2"),
        ("01/decode.ms:.0f", "1"),
        ("decode.name", "AVX"),
        ("decode.zero*1.0", "0"),
        ("decode.ms/100:.1%", "11.6%"),
    ],
)
def test_a_reference_says_what_the_results_say(results, reference, text):
    assert results.text(reference, 3) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.999, "10.0"), (0.0009996, "0.00100"), (123.4, "123"), (999.6, "1,000"), (-2.0, "-2.00")],
)
def test_three_digits_are_the_default(tmp_path, value, text):
    folder = tmp_path / "parts" / "01" / "results"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(json.dumps({"value": value}))
    assert Results(tmp_path).text("x.value", 1) == text


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("decode.mss", "it has the keys command, ms,"),
        ("decode.samples[3]", "has 3 entries, and none at 3"),
        ("decode.samples", "name one value in it"),
        ("other.ms", "has broken.json, decode.json"),
        ("broken.ms", "is no JSON"),
        ("decode.ms.more", "it has no keys"),
        ("decode.ms+1", "is not understood from `+1` on"),
        ("decode.ms*", "wants a path or a number"),
        ("decode.ms:.1q", "decode.ms"),
        ("decode.name*2", "not a number"),
        ("decode.ms/decode.zero", "divides by 0"),
        ("mode(decode.samples)", "is not one of median, min"),
        ("median(decode.ms)", "is not a list"),
        ("median(decode.empty)", "is not a list of numbers"),
        ("median(decode.samples", "and `)` after"),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_there_is(results, reference, message):
    with pytest.raises(RefError, match="(?s).*" + re.escape(message)):
        results.text(reference, 3)


def test_outside_of_an_article_a_reference_names_its_part(results):
    assert results.text("03/decode.ms", None) == "11.6"
    with pytest.raises(RefError, match="say 03/decode"):
        results.text("decode.ms", None)
