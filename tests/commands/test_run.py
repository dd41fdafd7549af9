"""`ruvon run` and `ruvon next`, as they are typed."""

import os
import signal
import subprocess
import sys

import pexpect
import pytest

from ruvon import LLM
from ruvon.errors import RuvonError

COMMAND = [sys.executable, "-c", "from ruvon.cli import main; main()"]


def ruvon(*words, **options):
    """The command in a process of its own, without a terminal."""
    options = {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, check=False, **options
    )


def test_it_continues_the_prompt(invoke, tiny):
    words = ("run", "The old fox", "-m", str(tiny), "-n", "12", "--dtype", "float32")
    result = invoke(*words, "--temperature", "0")
    assert result.exit_code == 0, result.exception
    out = LLM(tiny, device="cpu", dtype="float32").generate("The old fox", max_tokens=12)
    assert result.stdout == f"The old fox{out[0].outputs[0].text}\n"
    assert "12 pieces on cpu, float32; first after" in result.stderr


def test_it_draws_and_a_seed_draws_the_same(invoke, tiny):
    words = ("run", "The", "-m", str(tiny), "-n", "12", "--top-k", "50", "--seed")
    first, second, other = (invoke(*words, seed).stdout for seed in ("7", "7", "8"))
    assert first == second != other


@pytest.mark.parametrize("attention", ["full", "cached"])
def test_attention_by_name(invoke, tiny, attention):
    words = ("run", "The", "-m", str(tiny), "-n", "5", "--dtype", "float64", "-t", "0")
    plain = invoke(*words)
    assert invoke(*words, "--attention", attention).stdout == plain.stdout
    assert plain.stdout.startswith("The")


def test_without_a_prompt_and_without_a_terminal_it_prints_the_help():
    done = ruvon("run")
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "Continue PROMPT, token by token." in done.stdout


def test_no_words_at_all_print_the_help():
    done = ruvon()
    assert "Usage: " in done.stdout + done.stderr
    for name in ("run", "next", "bench", "doctor", "convert", "stage"):
        assert f" {name} " in done.stdout + done.stderr


def test_on_a_terminal_it_opens_a_prompt(tiny):
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "run", "-m", str(tiny), "-n", "3"],
        env={**os.environ, "TERM": "dumb"},
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        timeout=120,
    )
    child.expect("Type a beginning and press Enter")
    child.expect("> ")
    child.sendline("The young bird")
    child.expect("The young bird\r\n")  # the terminal's echo
    child.expect("The young bird.*3 pieces")
    child.expect("> ")
    child.sendline("x" * 100)  # too long: an error, and the next prompt
    child.expect("error: the prompt has .* tokens; this model takes 64")
    child.expect("> ")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_an_error_is_one_line_and_a_status():
    done = ruvon("run", "The", "-m", "/no/such/folder")
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("error: no model '/no/such/folder': not one that ships")


def test_an_absent_device_names_what_is_there(invoke, tiny, monkeypatch):
    monkeypatch.setattr("ruvon.device.available_devices", lambda: ["mps", "cpu"])
    for command in ("run", "next"):
        result = invoke(command, "The", "-m", str(tiny), "--device", "cuda")
        assert isinstance(result.exception, RuvonError)
        assert "'cuda' is not on this machine; here are: mps, cpu" in str(result.exception)


def test_a_device_that_no_machine_has(invoke, tiny):
    result = invoke("run", "The", "-m", str(tiny), "--device", "abacus")
    assert "not one of auto, cpu, cuda, mps" in str(result.exception)


@pytest.mark.parametrize("prompt", ["", "x" * 100])
def test_prompts_that_do_not_fit(invoke, tiny, prompt):
    result = invoke("run", prompt, "-m", str(tiny))
    assert isinstance(result.exception, RuvonError)
    assert "tokens" in str(result.exception)


def test_next_shows_the_likeliest(invoke, tiny, logits_of):
    from ruvon.models import load_model
    from ruvon.tokenizer import Tokenizer

    words = ("next", "The old", "-m", str(tiny), "--top", "4", "--dtype", "float32")
    result = invoke(*words)
    assert result.exit_code == 0, result.exception
    tokenizer = Tokenizer.from_dir(tiny)
    chances = logits_of(load_model(tiny), tokenizer.encode("The old"))[-1].softmax(-1).topk(4)
    rows = [line for line in result.stdout.splitlines() if "%" in line]
    for row, chance, token in zip(rows, *map(list, chances), strict=True):
        assert f"{float(chance):.1%}" in row
        assert f" {int(token)} " in row
        assert repr(tokenizer.decode([int(token)])) in row


def test_next_refuses_what_does_not_fit(invoke, tiny):
    for prompt in ("", "x" * 100):
        result = invoke("next", prompt, "-m", str(tiny))
        assert "tokens; give 1 to 64" in str(result.exception)
