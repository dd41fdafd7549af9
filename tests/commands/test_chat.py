"""`ruvon chat` with a model in the process, as it is typed and as it is piped."""

import os
import re
import signal
import sys

import pexpect
import pytest

from ruvon import LLM
from ruvon.errors import RuvonError

PATIENCE = 120
COMMAND = [sys.executable, "-c", "from ruvon.cli import main; main()"]
PLAIN = ("--dtype", "float32", "-t", "0")


def spawn(*words):
    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "chat", *words],
        env={**os.environ, "TERM": "dumb", "HF_HUB_OFFLINE": "1"},
        encoding="utf-8",
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        dimensions=(24, 200),
    )


def said(model, prompt, most):
    [out] = LLM(model, device="cpu", dtype="float32").generate(prompt, max_tokens=most)
    return out.outputs[0].text


def test_a_pipe_gives_a_turn_a_line(invoke, tiny):
    words = ("chat", "-m", str(tiny), "-n", "6", *PLAIN)
    first = said(tiny, "The old fox\n", 6)
    second = said(tiny, f"The old fox\n{first}\nA bird\n", 6)
    result = invoke(*words, input="The old fox\n\nA bird\n/new\nThe old fox\n")
    assert result.exit_code == 0, result.exception
    assert result.stdout.split("\n") == [*lines(first), *lines(second), *lines(first), ""]
    assert result.stderr == "forgotten\n"


def lines(text):
    """A text as it is printed: without control characters, and with a line end after it."""
    shown = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text)
    return shown.removesuffix("\n").split("\n")


def test_what_the_system_says_comes_first(invoke, tiny):
    words = ("chat", "-m", str(tiny), "-n", "6", *PLAIN, "--system", "The garden")
    first = said(tiny, "The garden\nA bird\n", 6)
    assert invoke(*words, input="A bird\n").stdout.split("\n") == [*lines(first), ""]


def test_a_long_conversation_forgets_its_oldest_turns(invoke, tiny):
    words = ("chat", "-m", str(tiny), "-n", "12", *PLAIN)
    result = invoke(*words, input="The old fox met a bird.\n" * 5)
    assert result.exit_code == 0, result.exception
    assert "the context is over: the oldest turn is forgotten" in result.stderr


def test_room_is_kept_for_an_answer(tiny):
    from ruvon import SamplingParams
    from ruvon.commands.chat import Local

    llm = LLM(tiny, device="cpu", dtype="float32")
    source = Local(llm, str(tiny), SamplingParams(max_tokens=12))
    messages = [{"role": "user", "content": "a"}]
    while len(source.ids(messages)) <= llm.context - 12:
        assert source.fits(messages)
        messages[0]["content"] += " a"
    assert not source.fits(messages)


def test_a_template_of_the_models_own_is_used(invoke, tiny, tmp_path):
    for file in tiny.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "chat_template.jinja").write_text("{{ messages[-1].content }} in the")
    words = ("chat", "-m", str(tmp_path), "-n", "6", *PLAIN)
    expected = said(tiny, "A bird in the", 6)
    assert invoke(*words, input="A bird\n").stdout.split("\n") == [*lines(expected), ""]


def test_in_a_pipe_an_error_ends_it(invoke, tiny):
    result = invoke("chat", "-m", str(tiny), input="The " * 100 + "\nA bird\n")
    assert isinstance(result.exception, RuvonError)
    assert "tokens; this model takes 64" in str(result.exception)
    assert result.stdout == ""


def test_what_would_move_the_cursor_is_shown(invoke, tiny, monkeypatch):
    from ruvon.commands import chat

    monkeypatch.setattr(chat.Local, "answer", lambda *_: (p for p in ["a\x1b[2J", "\tb\x9b\n"]))
    result = invoke("chat", "-m", str(tiny), input="x\n")
    assert result.stdout == "a\ufffd[2J\tb\ufffd\n"


def test_on_a_terminal(tiny):
    child = spawn("-m", str(tiny), "-n", "6", *PLAIN)
    child.expect("has no chat template: a base model, which goes on from what you write")
    child.expect("An empty line or Ctrl-D ends, Ctrl-C stops an answer")
    child.expect("> ")
    child.sendline("/help")
    child.expect("/new .*forget")
    child.expect("> ")
    child.sendline("/what")
    child.expect("there is no command /what; /help lists what is")
    child.expect("> ")
    child.sendline("The " * 100)
    child.expect("error: that has .* tokens; this model takes 64")
    child.expect("> ")
    child.sendline("The old fox")
    child.expect("The old fox\r\n")
    child.expect("> ")
    answer = child.before.replace("\r\n", "\n")
    assert answer.startswith("\n".join(lines(said(tiny, "The old fox\n", 6))))
    child.sendline("/quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("end", ["sendintr", "sendeof", "sendline"])
def test_each_way_out_ends_it_well(tiny, end):
    child = spawn("-m", str(tiny))
    child.expect("> ")
    getattr(child, end)()
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, child.signalstatus) == (0, None)


def test_ctrl_c_stops_an_answer_and_what_was_said_is_kept():
    child = spawn("-m", "story-nano", "-n", "400", "--dtype", "float32", "--seed", "1")
    child.expect("story-nano is a small model of children's stories, and no assistant")
    child.expect("> ")
    child.sendline("Once upon a time there was a dog.")
    child.expect("dog.\r\n")
    child.expect("[a-z] [a-z]")  # it has begun
    child.sendintr()
    child.expect("stopped")
    child.expect("> ")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_server_that_is_not_there_is_one_clear_line(invoke):
    from socket import create_server

    with create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    result = invoke("chat", "--url", address, input="x\n")
    assert isinstance(result.exception, RuvonError)
    assert str(result.exception) == (
        f"no server at http://{address}; `ruvon serve` (or `make run-api`) starts one"
    )
    wrong = invoke("chat", "--url", "ftp://x", input="x\n").exception
    assert "is no address; one looks like http://127.0.0.1:8000" in str(wrong)


def test_without_a_client_it_says_what_to_install(invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "ruvon.client.remote", raising=False)
    result = invoke("chat", "--url", "http://127.0.0.1:1", input="x\n")
    assert "--url needs httpx2: pip install 'ruvon[client]'" in str(result.exception)
