# %% [markdown]
# # Part 4: HTTP server with streaming
#
# The model answers over HTTP, and each piece of text leaves when it is certain. The
# [article](../parts/04/README.md) tells the story; here you frame it by hand, watch a request from
# both sides, and break what holds text back.

# %%
from ruvon.course import use

use(4)

# %%
import asyncio
import json
import socket
import threading
from http.client import HTTPConnection

import uvicorn

from ruvon import LLM
from ruvon.engine import stops
from ruvon.engine.backend import Request
from ruvon.engine.direct import Direct
from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.sampling.params import SamplingParams
from ruvon.server.app import create_app
from ruvon.server.frames import frame
from ruvon.server.frames import text_frame
from ruvon.server.service import Service

llm = LLM("story", device="cpu", dtype="float32")
tokenizer = llm.tokenizer

# %% [markdown]
# ## Predict
#
# Write down your guesses.
#
# 1. The stop string is `mat`. Tokens ` on`, ` the`, ` m`, `ap` come. How many characters leave with
#    each of them?
# 2. A client wants 100 tokens, reads five chunks and closes the connection. How many steps are
#    computed?

# %% [markdown]
# ## By hand: frames
#
# A line of data, and a blank line. Take JSON, which has no line break of its own.

# %%
value = {"text": "a\nb é"}
by_hand = (
    b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
)
print(by_hand)
assert by_hand == frame(value)

# %% [markdown]
# Plain text needs a line of data for each line. What would a reader make of `data:  the`?

# %%
for text in (" the", "a\nb", "\n"):
    data = text_frame(text)
    lines = data.decode().removesuffix("\n\n").split("\n")
    read = "\n".join(line.removeprefix("data:").removeprefix(" ") for line in lines)
    print(f"{text!r:8} -> {data!r:26} -> {read!r}")
    assert read == text

# %% [markdown]
# ## By hand: what may leave
#
# After each piece: is the stop string in the text? If not, how much of the end could be its
# beginning?

# %%
stop = "mat"
held = ""
first_guess = []
for piece in (" on", " the", " m", "ap"):
    text = held + piece
    assert stop not in text
    size = max(n for n in range(len(stop)) if text.endswith(stop[:n]))
    leaves, held = text[: len(text) - size], text[len(text) - size :]
    first_guess.append(leaves)
    print(f"{piece!r:7} leaves {leaves!r:7} held {held!r}")

# %% [markdown]
# ## With ruvon

# %%
engine = StoppedText(None, [stop])  # without a tokenizer, we give the text
made = [engine.add(Increment((0,), None, piece)).text for piece in (" on", " the", " m", "ap")]
print([len(one) for one in made])
assert made == first_guess

# %% [markdown]
# Half a character is held too, by the detokenizer of Part 1.

# %%
engine = StoppedText(tokenizer, ["zzz"])
for token in tokenizer.encode(" café 🐉"):
    print(f"{tokenizer.token_bytes(token)!r:10} leaves {engine.add(Increment((token,))).text!r}")

# %% [markdown]
# ## A server in this notebook
#
# The app is what `ruvon serve` runs. Each step of the model waits until we let it, so that nothing
# depends on luck.

# %%
begun, let, ended = threading.Semaphore(0), threading.Semaphore(0), threading.Semaphore(0)
log = []


def run(request):
    steps = llm.run([*request.prompt], request.params)
    try:
        while True:
            begun.release()
            assert let.acquire(timeout=60)
            increment = next(steps, None)
            if increment is None:
                return
            log.append(f"computed {increment.text!r}")
            yield increment
    finally:
        ended.release()


backend = Direct(run)
app = create_app(Service("story", tokenizer, llm.context, tokenizer.vocab_size, backend))
server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
listening = socket.create_server(("127.0.0.1", 0))
thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
thread.start()


def ask(**body):
    connection = HTTPConnection(*listening.getsockname(), timeout=60)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    return connection.getresponse()


def chunks(answer):
    for line in answer:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))["choices"][0]


# %% [markdown]
# ## A trace: who is first, the chunk or the next token?

# %%
answer = ask(prompt="Once upon a time", max_tokens=100, stream=True)
came = chunks(answer)
for _ in range(5):
    let.release()
    text = next(came)["text"]
    log.append(f"         read {text!r}")
    assert log[-2] == f"computed {text!r}", "nothing was computed in between"
print("\n".join(log))

# %% [markdown]
# ## The client leaves
#
# The sixth step has begun. We close the connection, wait until the server has seen it, and only
# then let steps go: a hundred of them.

# %%
for _ in range(6):
    assert begun.acquire(timeout=60)
answer.close()
while backend.progress().running:
    pass
let.release(100)
assert ended.acquire(timeout=60)
steps = sum(line.startswith("computed") for line in log)
print(steps, "steps of 100 were computed")
assert steps == 6

# %% [markdown]
# ## The invariant: the chunks make up the answer
#
# Sweep the stop string. Whole and streamed must agree, in the text and in the reason.

# %%
let.release(10_000)
for stop in ("zzz", " girl", "little girl", ".", "e"):
    body = {"prompt": "Once upon a time", "max_tokens": 30, "stop": stop}
    whole = json.load(ask(**body))["choices"][0]
    pieces = list(chunks(ask(**body, stream=True)))
    assert "".join(one["text"] for one in pieces) == whole["text"]
    assert pieces[-1]["finish_reason"] == whole["finish_reason"]
    print(
        f"{stop!r:14} {whole['finish_reason']:7} {len(pieces):2} chunks  ...{whole['text'][-24:]!r}"
    )

# %% [markdown]
# ## Break one line: hold nothing back
#
# Predict: which of the stop strings are still found?

# %%
right = stops.longest_beginning
stops.longest_beginning = lambda text, stop: 0
found = {}
for stop in (" girl", "little girl", ".", "e"):
    body = {"prompt": "Once upon a time", "max_tokens": 30, "stop": stop}
    choice = json.load(ask(**body))["choices"][0]
    found[stop] = choice["finish_reason"] == "stop"
    print(f"{stop!r:14} {choice['finish_reason']:7} ...{choice['text'][-24:]!r}")
stops.longest_beginning = right
assert found == {" girl": True, "little girl": False, ".": True, "e": True}

# %% [markdown]
# Only the one that is spread over two tokens is lost. A test with short stop strings passes.
#
# ## Whose turn is it?
#
# The same Backend without HTTP. Two requests ask at once; each step says whose it is.

# %%
turns = []


def three_steps(request):
    for number in (1, 2, 3):
        turns.append(request.id)
        yield Increment((number,), "length" if number == 3 else None)


async def both():
    direct = Direct(three_steps)

    async def read(name):
        async for _ in direct.submit(Request(name, (1,), SamplingParams())):
            pass

    await asyncio.gather(read("a"), read("b"))
    direct.close()


await both()  # noqa: F704 (a cell may wait)
print(*turns)
assert turns == ["a"] * 3 + ["b"] * 3

# %% [markdown]
# ## What is wrong is said before the first byte

# %%
for body in ({}, {"prompt": "Once", "stop": ""}, {"prompt": "Once", "model": "gpt-2"}):
    answer = ask(**body, stream=True)
    print(answer.status, json.load(answer)["error"]["message"])

# %% [markdown]
# Close what we opened.

# %%
server.should_exit = True
thread.join(60)
backend.close()
assert not thread.is_alive()
