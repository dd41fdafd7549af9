"""Importing costs nothing: torch comes when something is computed, and not before."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "triton", "transformers", "numpy", "safetensors", "fastapi", "matplotlib")

RUN = """
import sys
try:
    {code}
except SystemExit as end:
    assert not end.code, end.code
heavy = [name for name in {heavy} if name in sys.modules]
assert not heavy, heavy
"""


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_ruvon():
    python(RUN.format(code="import ruvon; ruvon.__version__; dir(ruvon)", heavy=HEAVY))


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["run", "--help"], ["next", "--help"], ["bench", "--help"]],
    ids=" ".join,
)
def test_help(words):
    code = f"sys.argv = ['ruvon', *{words}]; from ruvon.cli import main; main()"
    assert "ruvon" in python(RUN.format(code=code, heavy=HEAVY))


def test_a_check_that_can_fail():
    with pytest.raises(AssertionError, match="torch"):
        python(RUN.format(code="import ruvon; ruvon.LLM", heavy=HEAVY))


def test_public_names():
    import ruvon
    from ruvon.llm import LLM
    from ruvon.sampling.params import SamplingParams
    from ruvon.tokenizer import Tokenizer

    assert (ruvon.LLM, ruvon.SamplingParams, ruvon.Tokenizer) == (LLM, SamplingParams, Tokenizer)
    assert set(ruvon.PUBLIC) < set(dir(ruvon))
    with pytest.raises(AttributeError, match="'ruvon' has no attribute 'LMM'"):
        ruvon.LMM  # noqa: B018
