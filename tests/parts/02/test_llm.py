"""From text to text, with the model that ships."""

import pytest

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.errors import RuvonError


@pytest.fixture(scope="module")
def llm():
    return LLM("story", device="cpu", dtype="float32", attention="full")


def test_the_pieces_of_a_stream_make_up_the_text(llm):
    params = SamplingParams(max_tokens=12)
    [whole] = llm.generate("Once upon a time", params)
    assert "".join(llm.stream("Once upon a time", params)) == whole.outputs[0].text
    assert len(whole.outputs[0].token_ids) == 12
    assert whole.outputs[0].finish_reason == "length"


def test_every_prompt_gets_what_it_would_get_alone(llm):
    prompts = ["The cat", "The dog", llm.tokenizer.encode("One day")]
    together = llm.generate(prompts, max_tokens=4)
    alone = [llm.generate(prompt, max_tokens=4)[0] for prompt in prompts]
    assert together == alone
    assert [out.prompt for out in together] == ["The cat", "The dog", None]


def test_a_stop_id_ends_the_text(llm):
    free = llm.generate("Once upon a time", max_tokens=5)[0].outputs[0]
    stopped = llm.generate("Once upon a time", max_tokens=5, stop_token_ids=[free.token_ids[0]])
    assert stopped[0].outputs[0].token_ids == free.token_ids[:1]
    assert stopped[0].outputs[0].finish_reason == "stop"


def test_what_cannot_be_used_is_refused(llm):
    with pytest.raises(RuvonError, match="no tokens"):
        llm.generate("")
    with pytest.raises(RuvonError, match="token 99999999 is not in the vocabulary"):
        llm.generate([99999999])
    with pytest.raises(RuvonError, match="'heat' is no sampling parameter"):
        llm.generate("The", heat=3)
