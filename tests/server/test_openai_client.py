"""The official client, which nobody here wrote, with its strict validation of every answer."""

import openai
import pytest


def new_client(server, strict):
    return openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        api_key="none",
        max_retries=0,
        timeout=60,
        _strict_response_validation=strict,
    )


@pytest.fixture
def official(server):
    return new_client(server, strict=True)


@pytest.fixture
def lenient(server):
    """For streams of completions: the client's schema has no null among their finish reasons,
    and a chunk that is not the last one has nothing else to say."""
    return new_client(server, strict=False)


def test_completions(official, lenient, scripted):
    answer = official.completions.create(model="toy", prompt="Once", max_tokens=5)
    text = scripted.tokenizer.decode(scripted.script[:5])
    assert answer.choices[0].text == text
    assert answer.usage.completion_tokens == 5
    stream = lenient.completions.create(model="toy", prompt="Once", max_tokens=5, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == text


def test_chat(official, scripted):
    asked = {"model": "toy", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 6}
    answer = official.chat.completions.create(**asked)
    text = scripted.tokenizer.decode(scripted.script[:6])
    assert answer.choices[0].message.content == text
    chunks = list(
        official.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(pieces) == text
    assert chunks[-1].usage.completion_tokens == 6


def test_the_helper_that_puts_a_stream_together(official, scripted):
    with official.chat.completions.stream(
        model="toy", messages=[{"role": "user", "content": "Hi"}], stop=" sat"
    ) as stream:
        whole = stream.get_final_completion()
    assert whole.choices[0].message.content == " a tiny café 🐉"
    assert whole.choices[0].finish_reason == "stop"


def test_models(official):
    assert [model.id for model in official.models.list()] == ["toy"]
    assert official.models.retrieve("toy").id == "toy"


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (openai.NotFoundError, {"model": "gpt-5", "prompt": "a"}),
        (openai.BadRequestError, {"model": "toy", "prompt": ""}),
        (openai.BadRequestError, {"model": "toy", "prompt": "a", "best_of": 3}),
        (openai.BadRequestError, {"model": "toy", "prompt": "a " * 600}),
        (openai.InternalServerError, {"model": "toy", "prompt": "fail", "max_tokens": 4}),
    ],
)
def test_errors_are_the_clients_own(official, error, asked):
    with pytest.raises(error) as raised:
        official.completions.create(**asked)
    assert raised.value.body["message"]


def test_an_error_in_a_stream_is_raised(lenient):
    stream = lenient.completions.create(model="toy", prompt="fail", max_tokens=4, stream=True)
    with pytest.raises(openai.APIError, match="the server failed at this request"):
        list(stream)


def test_closing_a_stream_ends_the_run(lenient, scripted):
    scripted.hold()
    scripted.let(2)
    stream = lenient.completions.create(model="toy", prompt="a", max_tokens=None, stream=True)
    next(stream)
    stream.close()
    scripted.let(1000)
    assert scripted.ended.acquire(timeout=60)
    assert len(scripted.steps) <= 4
