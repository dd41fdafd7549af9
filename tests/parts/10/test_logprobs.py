"""How likely a token was: by the row before it, of the raw distribution, the same by every way."""

from types import SimpleNamespace

import pytest
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.engine.generate import Increment
from ruvon.sampling import logprobs
from ruvon.sampling.greedy import Row
from ruvon.sampling.greedy import greedy
from ruvon.sampling.logprobs import Logprob
from ruvon.sampling.logprobs import score
from ruvon.sampling.logprobs import with_logprobs
from ruvon.server.logprobs import ScoredCompletion
from ruvon.server.schemas import CompletionRequest
from ruvon.server.service import Service

TEXT = "Once upon a time there was a dog. He liked to chase the cat."


@pytest.fixture(scope="module")
def llm():
    return LLM("story-nano", device="cpu", dtype="float64")


def prompt_scores(llm, prompt, most=0):
    [out] = llm.generate([prompt], max_tokens=1, prompt_logprobs=most)
    return out.prompt_logprobs


def values(scored):
    return [one.logprob for one in scored]


def test_three_logits_by_hand():
    logits = torch.tensor([[1.0, 2.0, 5.0]]).log()
    made = score(logits, torch.tensor([1]), 2).read()[0]
    assert made.id == 1
    assert made.logprob == pytest.approx(torch.tensor(2 / 8).log().item())
    assert [token for token, _ in made.top] == [2, 1]


@pytest.mark.parametrize("size", [0, 1e4, -1e4])
def test_large_logits_neither_overflow_nor_vanish(size):
    """A constant added to all logits changes nothing, and a tiny probability has a logarithm."""
    logits = torch.tensor([[110.0, 100.0, 0.0]]) + size
    found = [score(logits, torch.tensor([token]), 0).values.item() for token in range(3)]
    assert found == pytest.approx([0, -10, -110], abs=1e-2)


def test_all_probabilities_together_are_one(llm):
    whole = prompt_scores(llm, llm.encode(TEXT), llm.model.vocabulary)
    for one in whole:
        shares = torch.tensor([value for _, value in one.top]).exp()
        assert shares.sum().item() == pytest.approx(1, 1e-4)


def test_greedy_took_the_likeliest_in_every_place(llm):
    """With rows off by one, hardly a token would be its own row's likeliest."""
    [out] = llm.generate(TEXT, max_tokens=20, logprobs=1)
    [made] = out.outputs
    assert [one.id for one in made.logprobs] == made.token_ids
    assert [one.top[0] for one in made.logprobs] == [(x.id, x.logprob) for x in made.logprobs]


def test_what_was_written_scores_the_same_when_it_is_read(llm):
    """One decode step for each token, or one prefill for all: the same rows."""
    params = SamplingParams(max_tokens=20, temperature=1.5, top_k=50, seed=3, logprobs=0)
    [out] = llm.generate(TEXT, params)
    [made] = out.outputs
    again = prompt_scores(llm, [*out.prompt_token_ids, *made.token_ids])
    assert values(again[-len(made.token_ids) :]) == pytest.approx(values(made.logprobs), abs=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_a_prompt_in_pieces_of_any_size(llm, rows, monkeypatch):
    ids = llm.encode(TEXT)
    expected = prompt_scores(llm, ids, 2)
    assert [one.id for one in expected] == ids[1:], "nothing comes before a first token"
    monkeypatch.setattr(logprobs, "CHUNK", rows)
    found = prompt_scores(llm, ids, 2)
    assert [one.id for one in found] == [one.id for one in expected]
    assert values(found) == pytest.approx(values(expected), abs=1e-5)


def test_only_who_asks_is_scored():
    logits = torch.randn(3, 10, generator=torch.manual_seed(0))
    rows = [Row(SamplingParams(logprobs=n), [1], prompt=1) for n in (None, 2, None)]
    sampled = with_logprobs(greedy)(logits, rows)
    assert sampled.logprobs.ids.tolist() == sampled.ids[1:2].tolist()
    assert with_logprobs(greedy)(logits, [rows[0]] * 3).logprobs is None


def test_chunks_of_a_stream_join_to_the_whole(llm):
    """Lists of one length each, the prompt first, and its first token without a score."""
    prompt = llm.encode("The cat")
    new = tuple(Logprob(id, -1.0 - at) for at, id in enumerate(llm.encode(" sat down")))
    before = tuple(Logprob(token, -2.0) for token in prompt[1:])
    whole = Increment((), "length", logprobs=new, prompt_logprobs=before)
    pieces = [Increment((), logprobs=new[:1], prompt_logprobs=before)]
    pieces += [Increment((), logprobs=(one,)) for one in new[1:]]
    told = answer(llm, prompt).choice(0, whole)["logprobs"]
    streamed = answer(llm, prompt)
    parts = [streamed.choice(0, one)["logprobs"] for one in pieces]
    assert told == {name: [x for part in parts for x in part[name]] for name in told}
    assert told["tokens"] == [llm.tokenizer.decode([i]) for i in (*prompt, *(x.id for x in new))]
    assert told["token_logprobs"][0] is None
    assert told["text_offset"] == [0, 3, 7, 11]


def answer(llm, prompt):
    backend = SimpleNamespace(room=lambda: 1)
    service = Service("story", llm.tokenizer, llm.context, llm.model.vocabulary, backend)
    return ScoredCompletion(service, CompletionRequest(prompt=prompt, echo=True, logprobs=1))
