"""Part 4's experiment at its full size: what is streamed, joined, is the text that is whole."""

import importlib
from pathlib import Path

import pytest

PART = Path(__file__).parents[2] / "parts" / "04"


@pytest.fixture
def experiment(monkeypatch):
    """The module `joined` of Part 4's folder, which is no package."""
    monkeypatch.syspath_prepend(str(PART))
    return importlib.import_module("joined")


def test_ten_thousand_streams_with_stop_strings_and_broken_characters(experiment):
    assert experiment.wrong(10_000) == 0


def test_it_can_fail(experiment):
    """With nothing held back, stop strings that are spread over tokens get through."""
    found = experiment.joined(500)
    assert found["wrong"] == 0
    assert found["wrong_with_fault"] > 10
