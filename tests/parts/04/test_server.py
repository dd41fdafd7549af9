"""A server over real sockets: what leaves when, who waits for whom, and what ends a request."""

import json
import socket
import threading
from http.client import HTTPConnection

import pytest
import uvicorn

from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.engine.text import Text
from ruvon.server.app import create_app
from ruvon.server.service import Service
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PATIENCE = 60  # seconds until something that never happens is given up
SAYS = " a tiny café 🐉 sat on the mat, and slept." * 9


class Script:
    """In the place of a model: says a given text, a token a step, each when it is let."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.ids = self.tokenizer.encode(SAYS)
        self.begun, self.done = [], []  # (request, number) of each step
        self.starts, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def run(self, request):
        stop = request.params.stop
        text = StoppedText(self.tokenizer, stop) if stop else Text(self.tokenizer)
        try:
            for number, token in enumerate(self.ids[: request.params.max_tokens], start=1):
                self.begun.append((request.id, number))
                self.starts.release()
                assert self.let.acquire(timeout=PATIENCE)
                self.done.append((request.id, number))
                last = number == request.params.max_tokens
                made = text.add(Increment((token,), "length" if last else None))
                yield made
                if made.finish_reason:
                    return
        finally:
            self.ended.release()


class Served:
    """A server on a free port, that says what the script of the test says."""

    script: Script

    def __init__(self):
        self.tokenizer = tokenizer = Tokenizer.from_dir(locate("story"))
        self.backend = Direct(lambda request: self.script.run(request))
        service = Service("toy", tokenizer, 512, tokenizer.vocab_size, self.backend)
        config = uvicorn.Config(create_app(service), log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.listening = socket.create_server(("127.0.0.1", 0))
        serve = {"target": self.server.run, "kwargs": {"sockets": [self.listening]}}
        self.thread = threading.Thread(**serve)
        self.thread.start()

    def __call__(self, path="/v1/completions", **body):
        """Send a body. -> the answer, when its head is there"""
        connection = HTTPConnection(*self.listening.getsockname(), timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", path, json.dumps({"prompt": "Once", **body}), headers)
        return connection.getresponse()

    def close(self):
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        self.backend.close()


@pytest.fixture(scope="module")
def served():
    one = Served()
    yield one
    one.close()


@pytest.fixture
def script(served):
    served.script = Script(served.tokenizer)
    yield served.script
    served.script.let.release(100_000)  # what is still held may end


@pytest.fixture
def ask(served, script):
    return served


def chunks(answer):
    """The chunks of a stream, each as it comes."""
    for line in answer:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))["choices"][0]


def test_the_chunks_make_up_the_answer(ask, script):
    script.let.release(1000)
    for stop in (None, "mat", ["zzz", "tiny café"]):
        whole = json.load(ask(max_tokens=30, stop=stop))["choices"][0]
        came = list(chunks(ask(max_tokens=30, stop=stop, stream=True)))
        assert "".join(one["text"] for one in came) == whole["text"]
        assert came[-1]["finish_reason"] == whole["finish_reason"]


def test_a_chunk_leaves_before_the_next_token_is_computed(ask, script):
    script.let.release(1)
    came = chunks(ask(max_tokens=9, stream=True))
    for number in range(1, 4):
        assert next(came)["text"] == script.tokenizer.decode(script.ids[number - 1 :][:1])
        assert len(script.done) == number
        script.let.release(1)


def test_who_leaves_ends_the_computing(ask, script):
    """Three chunks are read; the fourth step is under way, and no fifth begins."""
    script.let.release(3)
    answer = ask(max_tokens=100, stream=True)
    came = chunks(answer)
    assert len([next(came) for _ in range(3)]) == 3
    for _ in range(4):
        assert script.starts.acquire(timeout=PATIENCE)
    answer.close()
    while ask.backend.progress().running:
        pass  # the server sees it while the step is still held
    script.let.release(1000)
    assert script.ended.acquire(timeout=PATIENCE)
    assert len(script.done) == 4


def test_one_after_the_other(ask, script):
    first = threading.Thread(target=lambda: ask(max_tokens=3).read())
    first.start()
    assert script.starts.acquire(timeout=PATIENCE)
    second = threading.Thread(target=lambda: ask(max_tokens=2).read())
    second.start()
    while (now := ask.backend.progress()).running + now.waiting < 2:
        pass
    assert (now.running, now.waiting) == (1, 1)
    script.let.release(1000)
    first.join(PATIENCE)
    second.join(PATIENCE)
    ids = [id for id, _ in script.done]
    assert [ids.count(one) for one in dict.fromkeys(ids)] == [3, 2]
    assert ids == sorted(ids, key=ids.index), "no step of one between the steps of the other"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"max_tokens": "many"}, 400, "max_tokens"),
        ({"prompt": ""}, 400, "prompt"),
        ({"prompt": "a " * 600}, 400, "prompt"),
        ({"suffix": "x"}, 400, "suffix"),
        ({"model": "another"}, 404, "model"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_byte(ask, script, body, status, param):
    answer = ask(**body, stream=True)
    assert (answer.status, json.load(answer)["error"]["param"]) == (status, param)
    assert script.begun == []


def test_messages_become_a_prompt(ask, script):
    script.let.release(1000)
    messages = [{"role": "user", "content": "Once"}]
    answer = ask("/v1/chat/completions", messages=messages, max_tokens=2)
    told = json.load(answer)
    assert told["choices"][0]["message"]["content"] == script.tokenizer.decode(script.ids[:2])
    assert told["usage"]["prompt_tokens"] == len(script.tokenizer.encode("Once\n"))
