"""vllm-router over two replicas: round robin, and one of them ends while it is at work."""

import atexit
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from served import Served
from served import report
from tap import Tap

FOLDER = Path(os.environ["CLIENTS_LOGS"])
MODEL = "story-nano"
STARTING_SECONDS = 60
ASKED = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8}


def main() -> None:
    """Start them side by side, and end them whatever happens."""
    with ThreadPoolExecutor() as pool:
        logs = [FOLDER / f"router-replica-{number}.log" for number in (1, 2)]
        replicas = list(pool.map(Replica, logs))
    router = Router([one.tap.url for one in replicas])
    try:
        talk(router.url, replicas)
    finally:
        router.end()
        for one in replicas:
            one.end()
        print(*report([one.tap for one in replicas]), sep="\n")
    print("ok: round robin 4 and 4, a stream, chat; one replica ended at work, all served")


def talk(url: str, replicas: "list[Replica]") -> None:
    """Completions, a stream and chat through the router; then one replica less."""
    taps = [one.tap for one in replicas]
    texts = [post(url, "/v1/completions", ASKED)["choices"][0]["text"] for _ in range(8)]
    assert len(set(texts)) == 1, texts
    shares = [served(tap, "/v1/completions") for tap in taps]
    assert shares == [4, 4], f"not round robin: {shares}"
    pieces = list(stream(url, "/v1/completions", ASKED))
    assert "".join(one["choices"][0]["text"] for one in pieces) == texts[0], pieces
    problem = chat(url) or chat_stream(url)
    ended_at_work(url, replicas)
    if problem:
        raise SystemExit(f"chat through the router: {problem}")


def chat(url: str) -> str | None:
    """What is wrong with a chat, if anything."""
    try:
        message = post(url, "/v1/chat/completions", CHAT)["choices"][0]["message"]
    except Refused as error:
        return str(error)
    return None if message["content"] else f"an empty answer: {message}"


def chat_stream(url: str) -> str | None:
    """The same of a stream."""
    try:
        pieces = list(stream(url, "/v1/chat/completions", CHAT))
    except Refused as error:
        return str(error)
    text = "".join(one["choices"][0]["delta"].get("content") or "" for one in pieces)
    return None if text else f"an empty stream: {pieces}"


def ended_at_work(url: str, replicas: "list[Replica]") -> None:
    """The replica that has a stream is told to end: the stream ends whole, and all are served."""
    prompt = "The dragon that nobody else asks for"
    long = {**ASKED, "prompt": prompt, "max_tokens": 400, "ignore_eos": True}
    running = stream(url, "/v1/completions", long)
    text = next(running)["choices"][0]["text"]
    [at_work] = [one for one in replicas if saw(one.tap, prompt)]
    [other] = [one for one in replicas if one is not at_work]
    before = served(other.tap, "/v1/completions")
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(at_work.end)
        for _ in range(4):
            post(url, "/v1/completions", ASKED)
        rest = list(running)
        assert ending.result() == 0, "the replica did not end well"
    assert rest[-1]["choices"][0]["finish_reason"] == "length", rest[-1]
    text += "".join(piece["choices"][0]["text"] for piece in rest)
    assert post(url, "/v1/completions", long)["choices"][0]["text"] == text, "not the whole text"
    for _ in range(8):
        post(url, "/v1/completions", ASKED)
    assert served(other.tap, "/v1/completions") >= before + 8, "who served them?"


class Replica:
    """A server, and the tap that the router takes for it."""

    def __init__(self, log: Path) -> None:
        self.server = Served(MODEL, log)
        self.tap = Tap(self.server.url)

    def end(self) -> int:
        """End the server, and refuse connections as it does then. -> its exit status"""
        status = self.server.end()
        self.tap.close()
        return status


class Router:
    """A running vllm-router."""

    def __init__(self, workers: list[str]) -> None:
        port, metrics = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(Path(sys.executable).with_name("vllm-router")), "--worker-urls", *workers]
        command += ["--host", "127.0.0.1", "--port", str(port), "--policy", "round_robin"]
        command += ["--prometheus-port", str(metrics), "--health-check-interval-secs", "1"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        atexit.register(self.process.kill)
        threading.Thread(target=self.keep, daemon=True).start()
        self.wait()

    def keep(self) -> None:
        """Pass on what it says."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            print("router:", re.sub(r"\x1b\[\d+m", "", line), end="", flush=True)

    def wait(self) -> None:
        """Wait until it answers. Ends the program if it does not."""
        until = time.monotonic() + STARTING_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=10):
                return
            threading.Event().wait(0.1)
        raise SystemExit("vllm-router did not start")

    def end(self) -> None:
        """Ask it to end."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Refused(Exception):
    """An answer that is an error."""


def post(url: str, path: str, asked: dict) -> dict:
    """The answer to a request. Raises Refused."""
    with opened(url, path, asked) as answer:
        return json.load(answer)


def stream(url: str, path: str, asked: dict):
    """The chunks of a streamed answer, as they come. Raises Refused."""
    with opened(url, path, {**asked, "stream": True}) as answer:
        for line in answer:
            data = line.decode().removeprefix("data: ").strip()
            if data == "[DONE]":
                return
            if data and not data.startswith(":"):
                yield json.loads(data)
    raise AssertionError("the stream was cut off")


def opened(url: str, path: str, asked: dict):
    """An open answer. Raises Refused."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(asked).encode(), headers)
    try:
        return urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        raise Refused(f"{error.code} {error.read().decode()}") from None


def served(tap: Tap, path: str) -> int:
    """How many requests to a path a replica has answered well."""
    return sum(one.path == path and one.status == 200 for one in tap.exchanges())


def saw(tap: Tap, words: str) -> bool:
    """Whether these words were sent to a replica."""
    return any(words.encode() in sent for sent, _ in list(tap.connections))


def free_port() -> int:
    """A port that nobody has: this router takes none by itself."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


if __name__ == "__main__":
    main()
