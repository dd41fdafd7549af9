"""Completions over real sockets: what comes, when it comes, and what ends it."""

import json
import socket

import pytest

PATIENCE = 60  # seconds until something that never happens is given up
PATH = "/v1/completions"


def events(response):
    """The data of each event, as it arrives."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


def streamed(client, **body):
    """The chunks of a streamed answer, and the last event."""
    with client.stream("POST", PATH, json={**body, "stream": True}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        all_of_them = list(events(response))
    return [json.loads(data) for data in all_of_them[:-1]], all_of_them[-1]


def test_a_text_goes_on(client, scripted):
    answer = client.post(PATH, json={"prompt": "Once", "max_tokens": 5}).json()
    assert answer["object"] == "text_completion"
    assert answer["model"] == "toy"
    [choice] = answer["choices"]
    assert choice["text"] == scripted.tokenizer.decode(scripted.script[:5])
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "length", None)
    read = len(scripted.tokenizer.encode("Once"))
    assert answer["usage"] == {
        "prompt_tokens": read,
        "completion_tokens": 5,
        "total_tokens": read + 5,
    }


@pytest.mark.parametrize("body", [{}, {"stop": "mat"}, {"stop": ["x", "slept"]}, {"echo": True}])
def test_the_chunks_make_up_the_answer(client, body):
    body = {"prompt": "Once", "max_tokens": 60, **body}
    [whole] = client.post(PATH, json=body).json()["choices"]
    chunks, last = streamed(client, **body)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole["text"]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + [whole["finish_reason"]]
    assert last == "[DONE]"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert len(chunks) > 5


def test_usage_comes_in_a_chunk_of_its_own(client):
    chunks, _ = streamed(client, prompt="A", max_tokens=3, stream_options={"include_usage": True})
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert all("usage" not in chunk for chunk in chunks[:-1])


def test_the_first_chunk_leaves_before_the_second_token_is_computed(client, scripted):
    scripted.hold()
    scripted.let(1)
    with client.stream("POST", PATH, json={"prompt": "A", "stream": True}) as response:
        first = next(events(response))
        assert json.loads(first)["choices"][0]["text"] == scripted.tokenizer.decode(
            scripted.script[:1]
        )
        assert len(scripted.steps) == 1
        scripted.let(1000)


def test_who_leaves_a_stream_ends_it_within_two_steps(client, scripted):
    scripted.hold()
    scripted.let(3)
    body = {"prompt": "A", "max_tokens": None, "stream": True}
    with client.stream("POST", PATH, json=body) as response:
        chunks = events(response)
        for _ in range(3):
            next(chunks)
    scripted.let(1000)
    assert scripted.ended.acquire(timeout=PATIENCE)
    assert len(scripted.steps) <= 3 + 2


def test_who_leaves_before_the_answer_ends_it_within_two_steps(server, scripted):
    scripted.hold()
    body = json.dumps({"prompt": "A", "max_tokens": None}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        with server.client() as other:
            while other.get("/health").json()["running"] == 0:
                pass
    with server.client() as other:
        while other.get("/health").json()["running"] == 1:
            pass  # the step under way is held, and the request is given up all the same
    scripted.let(1000)
    assert scripted.ended.acquire(timeout=PATIENCE)
    assert len(scripted.steps) <= 2


def test_a_busy_server_makes_the_next_request_wait(server, client, scripted):
    scripted.hold()
    scripted.let(1)
    with client.stream("POST", PATH, json={"prompt": "A", "stream": True}) as first:
        chunks = events(first)
        next(chunks)
        with (
            server.client() as other,
            other.stream(
                "POST", PATH, json={"prompt": "B", "max_tokens": 2, "stream": True}
            ) as second,
        ):
            while client_health(server) != {"status": "ok", "running": 1, "waiting": 1}:
                pass
            scripted.let(1000)
            assert [*chunks][-1] == "[DONE]"
            assert [*events(second)][-1] == "[DONE]"
    ids = [id for id, _ in scripted.steps]
    assert ids == sorted(ids, key=ids.index), "one request after the other"


def client_health(server):
    with server.client() as one:
        return one.get("/health").json()


def test_many_prompts_are_told_apart_by_index(client, scripted):
    body = {"prompt": ["One", "Two", "Three"], "max_tokens": 4}
    whole = client.post(PATH, json=body).json()
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    chunks, _ = streamed(client, **body)
    texts = ["", "", ""]
    for chunk in chunks:
        [choice] = chunk["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == [choice["text"] for choice in whole["choices"]]
    assert whole["usage"]["completion_tokens"] == 12


@pytest.mark.parametrize("prompt", ["Once", [425, 449], [[425, 449]], ["Once"]])
def test_a_prompt_is_a_text_or_ids_alone_or_in_a_list(client, prompt):
    answer = client.post(PATH, json={"prompt": prompt, "max_tokens": 2}).json()
    assert len(answer["choices"]) == 1


def test_echo_alone_computes_nothing(client, scripted):
    answer = client.post(PATH, json={"prompt": "Once upon", "echo": True, "max_tokens": 0}).json()
    assert answer["choices"][0]["text"] == "Once upon"
    assert answer["usage"]["completion_tokens"] == 0
    assert scripted.steps == []


@pytest.mark.parametrize(
    ("body", "status", "param", "words"),
    [
        ({}, 400, "prompt", "prompt: field required"),
        ({"prompt": 5}, 400, "prompt", "prompt"),
        ({"prompt": ""}, 400, "prompt", "the prompt is empty"),
        ({"prompt": []}, 400, "prompt", "give at least one"),
        ({"prompt": [99999]}, 400, "prompt", "token 99999 is not in the vocabulary"),
        ({"prompt": "a " * 600}, 400, "prompt", "and this model takes 512"),
        ({"prompt": "a", "max_tokens": -1}, 400, "max_tokens", "greater than or equal to 0"),
        ({"prompt": "a", "max_tokens": 0}, 400, "max_tokens", "only for echo"),
        ({"prompt": "a", "max_tokens": "5"}, 400, "max_tokens", "valid integer"),
        ({"prompt": "a", "stop": ""}, 400, None, "stop must be texts"),
        ({"prompt": "a", "stop": ["x"] * 17}, 400, "stop", "at most 16 items"),
        ({"prompt": "a", "temperature": 101}, 400, "temperature", "less than or equal to 100"),
        ({"prompt": "a", "top_p": 0}, 400, "top_p", "greater than 0"),
        ({"prompt": "a", "n": 129}, 400, "n", "less than or equal to 128"),
        ({"prompt": "a", "logit_bias": {"x": 1}}, 400, "logit_bias", "give token ids"),
        ({"prompt": "a", "logit_bias": {"99999": 1}}, 400, "logit_bias", "not in the vocabulary"),
        ({"prompt": "a", "min_tokens": 17}, 400, None, "min_tokens must be from 0 to max_tokens"),
        ({"prompt": "a", "suffix": "b"}, 400, "suffix", "is not implemented"),
        ({"prompt": "a", "best_of": 3}, 400, "best_of", "is not implemented"),
        ({"prompt": "a", "model": "gpt-5"}, 404, "model", "this server has 'toy'"),
        ({"prompt": "a", "stream_options": {}}, 400, "stream_options", "only for stream"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_said_before_the_first_byte(client, body, status, param, words, stream):
    if stream and "stream_options" in body:
        return
    answer = client.post(PATH, json={**body, "stream": stream})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert words in error["message"]
    assert client.post(PATH, json={"prompt": "a", "max_tokens": 1}).status_code == 200


def test_a_body_that_is_no_json_is_refused(client):
    answer = client.post(PATH, content=b'{"prompt": ', headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "the body is no JSON" in answer.json()["error"]["message"]


def test_too_long_a_prompt_has_its_code(client):
    error = client.post(PATH, json={"prompt": "a " * 600}).json()["error"]
    assert error["code"] == "context_length_exceeded"


def test_unknown_fields_are_ignored_and_named(client):
    answer = client.post(PATH, json={"prompt": "a", "max_tokens": 1, "priority": 3, "guided": {}})
    assert answer.status_code == 200
    assert answer.headers["x-ruvon-ignored"] == "guided, priority"


def test_a_failure_is_an_error_and_the_next_request_is_served(client):
    answer = client.post(PATH, json={"prompt": "fail", "max_tokens": 5})
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert client.post(PATH, json={"prompt": "a", "max_tokens": 1}).status_code == 200


def test_a_failure_in_a_stream_is_an_event(client):
    chunks, last = streamed(client, prompt="fail", max_tokens=5)
    assert chunks[-1]["error"]["code"] == "internal_error"
    assert last == "[DONE]"
    assert client.post(PATH, json={"prompt": "a", "max_tokens": 1}).status_code == 200


def test_models_and_health(client):
    [model] = client.get("/v1/models").json()["data"]
    assert model["id"] == "toy"
    assert model["max_model_len"] == 512
    assert client.get("/v1/models/toy").json() == model
    assert client.get("/v1/models/other").status_code == 404
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").json() == {"status": "ready"}
    assert set(client.get("/version").json()) == {"version"}
    assert client.get("/nowhere").json()["error"]["message"].startswith("there is no /nowhere")
    assert client.get(PATH).status_code == 405


@pytest.mark.parametrize("text", ["Once upon", "", "café 🐉\n", " " * 50])
def test_text_to_ids_and_back(client, text):
    answer = client.post("/tokenize", json={"prompt": text, "return_token_strs": True}).json()
    assert answer["count"] == len(answer["tokens"]) == len(answer["token_strs"])
    assert answer["max_model_len"] == 512
    assert client.post("/detokenize", json={"tokens": answer["tokens"]}).json() == {"prompt": text}


def test_an_id_that_is_not_there_has_no_text(client):
    answer = client.post("/detokenize", json={"tokens": [5, 99999]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "tokens"
