"""What a demo pins: written as TOML that reads back, compared strictly, and never a float."""

import sys
import tomllib

import pytest

from ruvon.course.expected import check_expected
from ruvon.errors import RuvonError

VALUES = {
    "ids": list(range(1000, 1100)),
    "shape": (12, 192),
    "ends": [["max_tokens=5", 5, "length"], ["stop", 26, "a, \"b\" and 'c'"]] * 3,
    "text": 'Lily said: "é\n\t\\ 漢 😀" \x00\x1b\x7f',
    "empty": [],
    "truth": True,
    "count": -3,
}


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """The folder of a demo that is running."""
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "demo.py")])
    monkeypatch.delenv("RUVON_UPDATE_EXPECTED", raising=False)
    monkeypatch.delenv("RUVON_RECEIPT", raising=False)

    class Demo:
        file = tmp_path / "expected.toml"
        receipt = tmp_path / "receipt"

        def pin(self, values):
            monkeypatch.setenv("RUVON_UPDATE_EXPECTED", "1")
            check_expected(values)
            monkeypatch.delenv("RUVON_UPDATE_EXPECTED")

    return Demo()


def test_what_is_written_reads_back(demo, capsys):
    demo.pin(VALUES)
    text = demo.file.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {**VALUES, "shape": [12, 192]}
    assert max(len(line) for line in text.splitlines()) <= 100
    check_expected(VALUES)
    assert capsys.readouterr().out.endswith("expected.toml: all 7 values reproduced\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 3}, "count: 3 instead of -3"),
        ({"truth": 1}, "truth: 1 instead of True"),
        ({"text": "Lily"}, "text: 'Lily' instead of"),
        ({"shape": [12, 193]}, "shape: entry 1 is 193 instead of 192"),
        ({"shape": [12]}, "shape: 1 entries instead of 2"),
        ({"shape": 12}, "shape: 12 instead of [12, 192]"),
        ({"new": 1}, "new: computed here, and not in expected.toml"),
        ({"count": None}, "count: expected, and not computed here"),
    ],
)
def test_each_difference_is_named_and_ends_the_demo(demo, change, said, capsys, monkeypatch):
    demo.pin(VALUES)
    monkeypatch.setenv("RUVON_RECEIPT", str(demo.receipt))
    values = {name: value for name, value in {**VALUES, **change}.items() if value is not None}
    with pytest.raises(SystemExit) as end:
        check_expected(values)
    assert end.value.code == 1
    assert said in capsys.readouterr().out
    assert not demo.receipt.exists()


@pytest.mark.parametrize("value", [0.5, None, {"a": 1}, [1, 0.5], b"a"])
def test_only_what_every_machine_agrees_on(demo, value):
    with pytest.raises(RuvonError, match=r"^expected\.toml: x is a \w+; only what every machine"):
        check_expected({"x": value})


def test_a_receipt_says_what_was_compared(demo, monkeypatch):
    demo.pin({"b": 1, "a": 2})
    monkeypatch.setenv("RUVON_RECEIPT", str(demo.receipt))
    check_expected({"b": 1, "a": 2})
    assert demo.receipt.read_text() == '["a", "b"]'
