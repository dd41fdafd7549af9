"""Part 10: what the package before this part says when it is asked how sure the model was."""

from ruvon import LLM
from ruvon.errors import RuvonError
from ruvon.server.errors import APIError
from ruvon.server.schemas import CompletionRequest
from ruvon.server.service import Service


def main() -> None:
    llm = LLM("story", device="cpu", dtype="float32")
    for text in ("Tom was hungry. He ate an", "Tom was hungry. He ate an apple, and"):
        [out] = llm.generate(text, max_tokens=6)
        print(f"{text!r} goes on {out.outputs[0].text!r}")
    try:
        llm.generate("Tom was hungry.", logprobs=2)
    except RuvonError as error:
        print("LLM:   ", str(error).partition(";")[0])
    service = Service("story", llm.tokenizer, llm.context, llm.model.vocabulary, None)
    try:
        service.check(CompletionRequest(prompt="Tom was hungry.", logprobs=2))
    except APIError as error:
        print("server:", error)


if __name__ == "__main__":
    main()
