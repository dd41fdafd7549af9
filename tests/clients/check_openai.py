"""The official openai client, with its strict validation of every answer."""

import asyncio
import os

import openai

URL, MODEL = os.environ["CLIENTS_URL"], os.environ["CLIENTS_MODEL"]
PROMPT = "Once upon a time"
HELLO = [{"role": "user", "content": PROMPT}]
COMMON = {"base_url": f"{URL}/v1", "api_key": "none", "max_retries": 0, "timeout": 120}


def main() -> None:
    """All that the client does with a server of this kind."""
    strict = openai.OpenAI(**COMMON, _strict_response_validation=True)
    # Its schema has no null among a completion's finish reasons, so streams of them are not strict.
    lenient = openai.OpenAI(**COMMON)
    assert [one.id for one in strict.models.list()] == [MODEL]
    text = completions(strict, lenient)
    chat(strict)
    errors(strict)
    many = asyncio.run(at_once())
    assert many == [text] * 6, many
    print("ok: completions, chat, streams, errors, 6 at once")


def completions(strict: openai.OpenAI, lenient: openai.OpenAI) -> str:
    """Whole, streamed, of ids, several, and echoed: the same text."""
    asked = {"model": MODEL, "max_tokens": 16, "temperature": 0}
    whole = strict.completions.create(prompt=PROMPT, **asked)
    text = whole.choices[0].text
    assert text.strip(), whole
    assert whole.usage and whole.usage.completion_tokens == 16, whole.usage
    pieces = list(lenient.completions.create(prompt=PROMPT, stream=True, **asked))
    assert "".join(one.choices[0].text for one in pieces) == text, pieces
    assert pieces[-1].choices[0].finish_reason == "length", pieces[-1]
    two = strict.completions.create(prompt=[PROMPT, "The dog"], **asked)
    assert [one.index for one in two.choices] == [0, 1], two
    assert two.choices[0].text == text, two
    echoed = strict.completions.create(prompt=PROMPT, echo=True, **asked)
    assert echoed.choices[0].text == PROMPT + text, echoed
    drawn = [
        strict.completions.create(
            prompt=PROMPT,
            model=MODEL,
            max_tokens=16,
            seed=7,
            n=2,
            top_p=0.9,
            logit_bias={"11": -50},
        )
        for _ in range(2)
    ]
    assert [one.text for one in drawn[0].choices] == [one.text for one in drawn[1].choices], drawn
    return text


def chat(strict: openai.OpenAI) -> None:
    """Whole, streamed with usage, and by the helper that puts a stream together."""
    asked = {"model": MODEL, "messages": HELLO, "max_completion_tokens": 16, "temperature": 0}
    whole = strict.chat.completions.create(**asked)
    text = whole.choices[0].message.content
    assert text, whole
    chunks = list(
        strict.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == text
    assert chunks[-1].usage == whole.usage, (chunks[-1].usage, whole.usage)
    # The helper takes an answer that ended at its length for a failure, so this one ends by itself.
    with strict.chat.completions.stream(**asked, stop=text[4:]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == text[:4], final


def errors(strict: openai.OpenAI) -> None:
    """Each raises the client's own exception, which carries the server's words."""
    wanted: list[tuple[type[openai.APIStatusError], dict[str, object]]] = [
        (openai.NotFoundError, {"model": "gpt-5", "prompt": PROMPT}),
        (openai.BadRequestError, {"model": MODEL, "prompt": ""}),
        (openai.BadRequestError, {"model": MODEL, "prompt": PROMPT * 500}),
        (openai.BadRequestError, {"model": MODEL, "prompt": PROMPT, "suffix": "The end."}),
    ]
    for kind, asked in wanted:
        try:
            strict.completions.create(**asked)  # type: ignore[call-overload]
        except kind as error:
            assert isinstance(error.body, dict) and error.body["message"], error.body
        else:
            raise AssertionError(f"no {kind.__name__} for {asked}")


async def at_once() -> list[str]:
    """Six requests of the asynchronous client, side by side."""
    async with openai.AsyncOpenAI(**COMMON) as client:
        answers = await asyncio.gather(
            *(
                client.completions.create(model=MODEL, prompt=PROMPT, max_tokens=16, temperature=0)
                for _ in range(6)
            )
        )
    return [one.choices[0].text for one in answers]


if __name__ == "__main__":
    main()
