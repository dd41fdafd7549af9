"""LangChain: invoke, stream, batch and astream, of a chat model and of a completion model."""

import asyncio
import os

from langchain_core.messages import HumanMessage
from langchain_core.messages import SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from langchain_openai import OpenAI

URL, MODEL = os.environ["CLIENTS_URL"], os.environ["CLIENTS_MODEL"]
PROMPT = "Once upon a time"
COMMON = {"base_url": f"{URL}/v1", "api_key": "none", "model": MODEL, "max_retries": 0}


def main() -> None:
    """Each way of asking gives the same text."""
    model = ChatOpenAI(**COMMON, temperature=0, max_tokens=16, timeout=120, stream_usage=True)
    whole = model.invoke([SystemMessage("A story."), HumanMessage(PROMPT)])
    assert whole.content, whole
    assert whole.usage_metadata and whole.usage_metadata["output_tokens"] == 16, whole
    one = model.invoke(PROMPT)
    chunks = list(model.stream(PROMPT))
    assert "".join(str(chunk.content) for chunk in chunks) == one.content, chunks
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1, "one usage a stream"
    both = model.batch([PROMPT, "The dog"])
    assert both[0].content == one.content and both[1].content, both
    chain = ChatPromptTemplate.from_messages([("user", "{beginning}")]) | model.bind(stop=["."])
    stopped = chain.invoke({"beginning": PROMPT})
    assert "." not in stopped.content and stopped.response_metadata["finish_reason"] == "stop"
    assert asyncio.run(streamed(model)) == one.content

    text = OpenAI(**COMMON, temperature=0, max_tokens=16, timeout=120)
    said = text.invoke(PROMPT)
    assert said and "".join(text.stream(PROMPT)) == said
    assert text.batch([PROMPT, "The dog"])[0] == said
    print("ok: invoke, stream, batch, astream, a chain; chat and completions")


async def streamed(model: ChatOpenAI) -> str:
    """The text of an asynchronous stream."""
    return "".join([str(chunk.content) async for chunk in model.astream(PROMPT)])


if __name__ == "__main__":
    main()
