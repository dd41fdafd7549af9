"""`ruvon bench`: what it prints, and what it refuses. How fast it is, is no matter here."""

import json

import pytest

from ruvon.errors import RuvonError

KEYS = {"command", "date", "versions", "machine", "samples", "floor", "rate", "dtype", "device"}


def test_decode(invoke, tiny):
    words = ("--prompt-tokens", "5", "--new-tokens", "4", "--repeats", "2")
    result = invoke("bench", "decode", "-m", str(tiny), *words, "--json")
    assert result.exit_code == 0, result.exception
    data = json.loads(result.stdout)
    assert data.keys() >= KEYS
    assert (data["prompt_tokens"], data["new_tokens"], len(data["samples"])) == (5, 4, 2)
    table = invoke("bench", "decode", "-m", str(tiny), *words)
    for words in ("tokens a second", "milliseconds a token", "share of the floor"):
        assert words in table.stdout


def test_prefill(invoke, tiny):
    words = ("bench", "prefill", "-m", str(tiny), "--prompt-tokens", "64", "--repeats", "1")
    data = json.loads(invoke(*words, "--json").stdout)
    assert data.keys() >= KEYS
    assert (data["prompt_tokens"], len(data["samples"])) == (64, 1)
    assert data["samples"][0] > 0
    assert "milliseconds a prompt" in invoke(*words, "--attention", "full").stdout


def test_roofline(invoke):
    data = json.loads(invoke("bench", "roofline", "--megabytes", "1", "--json").stdout)
    assert data["bandwidth"] > 0
    assert data["flops"] > 0
    assert "GB/s" in invoke("bench", "roofline", "--megabytes", "1").stdout


def test_what_does_not_fit(invoke, tiny):
    long = ("bench", "decode", "-m", str(tiny), "--prompt-tokens", "60", "--new-tokens", "6")
    assert "this needs 65 positions; the model has 64" in str(invoke(*long).exception)
    result = invoke("bench", "decode", "--shape", "gpt7")
    assert isinstance(result.exception, RuvonError)
    assert "'gpt7' is not one of gpt2, gpt2-medium, gpt2-large, gpt2-xl" in str(result.exception)


@pytest.mark.parametrize(
    ("shape", "millions"),
    [("gpt2", 124), ("gpt2-medium", 355), ("gpt2-large", 774), ("gpt2-xl", 1558)],
)
def test_the_shapes_are_gpt2s(shape, millions):
    from ruvon.bench.single import SHAPES

    class Counting:
        """Counts numbers, and makes none."""

        dtype = device = None

        def __init__(self):
            self.numbers = 0

        def linear(self, name, inputs, outputs):
            self.numbers += inputs * outputs + outputs

        def embedding(self, name, rows, width):
            self.numbers += rows * width

        def norm(self, name, width, eps):
            self.numbers += 2 * width

        def head(self, name, inputs, outputs):
            assert name == "wte"  # tied

    from ruvon.models.gpt2 import GPT2

    loader = Counting()
    GPT2(SHAPES[shape], loader)
    assert round(loader.numbers / 1e6) == millions
