"""`ruvon chat --url` against a server: what is sent, what is shown, and what Ctrl-C ends."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from threading import Thread

import pexpect
import pytest

from ruvon.client.conversation import TooLong
from ruvon.client.remote import Remote
from ruvon.errors import RuvonError

PATIENCE = 60
COMMAND = [sys.executable, "-c", "from ruvon.cli import main; main()"]


@pytest.fixture
def prompts(scripted, monkeypatch):
    """The text of every prompt that the server computes."""
    seen = []
    run = scripted.run

    def recorded(request):
        seen.append(scripted.tokenizer.decode(request.prompt))
        return run(request)

    monkeypatch.setattr(scripted, "run", recorded)
    return seen


@pytest.fixture
def address(prompts, server):
    return f"http://127.0.0.1:{server.port}"


def user(text):
    return [{"role": "user", "content": text}]


def test_ctrl_c_ends_the_computation_and_keeps_what_was_said(address, prompts, scripted):
    scripted.hold()
    scripted.let(3)
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "chat", "--url", address, "-n", "300"],
        env={**os.environ, "TERM": "dumb"},
        encoding="utf-8",
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        dimensions=(24, 200),
    )
    child.expect("Talking with toy at http://127.0.0.1")
    child.expect("> ")
    child.sendline("A story")
    said = scripted.tokenizer.decode(scripted.script[:3])
    child.expect(f"A story\r\n{said}")
    child.sendintr()
    child.expect("stopped")
    child.expect("> ")
    scripted.let(1000)
    assert scripted.ended.acquire(timeout=PATIENCE)
    assert len(scripted.steps) <= 3 + 2
    child.sendline("And then")
    child.expect("mat, and slept")
    child.expect("> ")
    assert prompts == ["A story\n", f"A story\n{said}\nAnd then\n"]
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_an_answer_comes_piece_by_piece(address, scripted):
    scripted.hold()
    scripted.let(1)
    remote = Remote(address, None, None, max_tokens=5)
    pieces = remote.answer(user("A"))
    assert next(pieces) == scripted.tokenizer.decode(scripted.script[:1])
    assert len(scripted.steps) == 1
    scripted.let(10)
    assert "".join(pieces) == scripted.tokenizer.decode(scripted.script[1:5])


def test_the_address_may_be_given_as_openais_client_wants_it(address):
    for given in (f"{address}/v1", f"{address}/", address.removeprefix("http://")):
        assert "".join(Remote(given, None, "toy", max_tokens=2).answer(user("A")))


def test_the_fields_are_sent(address, scripted):
    remote = Remote(address, None, None, max_tokens=30, stop="mat")
    whole = scripted.tokenizer.decode(scripted.script[:30])
    assert "".join(remote.answer(user("A"))) == whole.partition("mat")[0]


def test_it_is_said_what_is_too_long(address):
    remote = Remote(address, None, None, max_tokens=200)
    assert remote.context == 512
    with pytest.raises(TooLong, match="this model takes 512"):
        next(remote.answer(user("a " * 600)))
    assert not remote.fits(user("a " * 600))
    assert remote.fits(user("a"))
    assert not remote.fits(user("word " * 400)), "400 tokens leave less than a quarter of 512"


def test_a_key_is_asked_for_and_given(serve, invoke):
    client, _ = serve(api_key="geheim é")
    url = str(client.base_url)
    for key in (None, "wrong"):
        with pytest.raises(RuvonError, match="this server wants a key: give the right one"):
            Remote(url, key, None)
    words = ("chat", "--url", url, "-n", "3", "--api-key", "geheim é")
    result = invoke(*words, input="Hello\n")
    assert result.exit_code == 0, result.exception
    assert len(result.stdout) > 3


def test_another_model_is_refused_by_name(address):
    remote = Remote(address, None, "other", max_tokens=5)
    with pytest.raises(RuvonError, match="there is no model 'other' here; this server has 'toy'"):
        next(remote.answer(user("A")))


def test_a_failure_in_the_middle_is_an_error_after_what_was_said(address):
    pieces = Remote(address, None, None, max_tokens=5).answer(user("fail"))
    assert next(pieces)
    with pytest.raises(RuvonError, match="the server failed at this request"):
        next(pieces)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "broke off in the middle"),
        (b": ping\n\n", "broke off in the middle"),
        (b"data: {\n\n", "what is no chunk of a chat: '{'"),
        (b"data: []\n\n", "what is no chunk of a chat"),
        (b'data: {"choices": [{"text": 5}]}\n\n', "what is no chunk of a chat"),
        (b'data: {"error": "so it is"}\n\n', "so it is"),
    ],
)
def test_a_server_that_says_something_else(odd, said, words):
    with pytest.raises(RuvonError, match=words):
        list(Remote(odd(200, said), None, "m").answer(user("A")))


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (502, b"<html>Bad gateway</html>", "the server answers 502"),
        (400, b'{"error": "no"}', "the server answers 400"),
        (400, b'{"error": {"message": "no n here", "code": null}}', "no n here"),
    ],
)
def test_a_refusal_without_a_body_of_ours_is_told_by_its_status(odd, status, said, words):
    with pytest.raises(RuvonError, match=words):
        list(Remote(odd(status, said), None, "m").answer(user("A")))


@pytest.fixture
def odd():
    """Makes a server that lists a model, and answers everything else alike. -> its address"""
    servers = []

    def make(status, said):
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                self.say(200, b'{"data": [{"id": "m"}]}')

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.say(status, said)

            def say(self, status, body):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Answers))
        Thread(target=servers[-1].serve_forever).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()
