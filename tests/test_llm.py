"""LLM, the offline front door."""

import shutil

import pytest
import torch

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.attention.full import FullAttention
from ruvon.device import pick_dtype
from ruvon.errors import RuvonError
from ruvon.models import load_model

PROMPTS = ["The old fox", [5, 6, 7], "The"]


@pytest.fixture(scope="module")
def llm(tiny):
    return LLM(tiny, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def mute(tiny, tmp_path_factory):
    """The same model in a folder without tokenizer files."""
    folder = tmp_path_factory.mktemp("mute")
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny / name, folder)
    return LLM(folder, device="cpu", dtype="float32")


def by_hand(model, ids, count):
    """Greedy decoding without the engine."""
    ids = [*ids]
    for _ in range(count):
        positions = torch.arange(len(ids))
        with torch.inference_mode():
            hidden = model(torch.tensor(ids), positions, FullAttention())
            ids.append(int(model.logits(hidden)[-1].argmax()))
    return ids[-count:]


def test_texts_and_ids_and_what_comes_back(llm, tiny):
    model = load_model(tiny)
    outs = llm.generate(PROMPTS, SamplingParams(max_tokens=6, ignore_eos=True))
    for prompt, out in zip(PROMPTS, outs, strict=True):
        text = isinstance(prompt, str)
        assert out.prompt == (prompt if text else None)
        assert out.prompt_token_ids == (llm.tokenizer.encode(prompt) if text else prompt)
        [only] = out.outputs
        assert only.index == 0
        assert only.token_ids == by_hand(model, out.prompt_token_ids, 6)
        assert only.text == llm.tokenizer.decode(i for i in only.token_ids if i != llm.eos_id)
        assert only.finish_reason == "length"


def test_one_prompt_needs_no_list(llm):
    assert llm.generate("The", max_tokens=3) == llm.generate(["The"], max_tokens=3)
    assert llm.generate([5, 6, 7], max_tokens=3) == llm.generate([[5, 6, 7]], max_tokens=3)
    assert llm.generate((5, 6, 7), max_tokens=3)[0].prompt_token_ids == [5, 6, 7]
    assert llm.generate([]) == []


def test_params_for_each_prompt(llm):
    each = [SamplingParams(max_tokens=n) for n in (1, 5, 2)]
    outs = llm.generate(PROMPTS, each)
    assert [len(out.outputs[0].token_ids) for out in outs] == [1, 5, 2]
    with pytest.raises(RuvonError, match="2 SamplingParams for 3 prompts"):
        llm.generate(PROMPTS, each[:2])


def test_fields_by_name(llm):
    expected = llm.generate("The", SamplingParams(max_tokens=3, ignore_eos=True))
    assert llm.generate("The", max_tokens=3, ignore_eos=True) == expected
    assert llm.generate("The", max_new_tokens=3, ignore_eos=True) == expected
    assert len(llm.generate("The", ignore_eos=True)[0].outputs[0].token_ids) == 16
    with pytest.raises(RuvonError, match="not both"):
        llm.generate("The", SamplingParams(), max_tokens=3)
    with pytest.raises(RuvonError, match="'warmth' is no sampling parameter; known: max_tokens"):
        llm.generate("The", warmth=1)


def test_an_end_of_text_is_an_id_but_no_text(llm, monkeypatch):
    ids = llm.generate("The", max_tokens=8, ignore_eos=True)[0].outputs[0].token_ids
    at = next(i for i in range(1, 8) if ids[i] not in ids[:i])
    monkeypatch.setattr(llm, "eos_id", ids[at])
    out = llm.generate("The", max_tokens=8)[0].outputs[0]
    assert (out.token_ids, out.finish_reason) == (ids[: at + 1], "stop")
    assert out.text == llm.tokenizer.decode(ids[:at])
    assert "".join(llm.stream("The", max_tokens=8)) == out.text


def test_a_stream_joined_is_the_text_and_never_half_a_character(llm):
    for prompt in PROMPTS:
        pieces = list(llm.stream(prompt, max_tokens=40))
        assert "".join(pieces) == llm.generate(prompt, max_tokens=40)[0].outputs[0].text
        assert all(pieces)
        assert len(pieces) > 1


def test_a_stream_is_lazy(llm, monkeypatch):
    steps, real = [], llm.model

    class Counted:
        def __getattr__(self, name):
            return getattr(real, name)

        def __call__(self, *arguments):
            steps.append(arguments)
            return real(*arguments)

    monkeypatch.setattr(llm, "model", Counted())
    stream = llm.stream("The old fox", max_tokens=30)
    assert not steps
    next(stream)
    assert 1 <= len(steps) < 5


def test_full_and_cached_agree(tiny):
    ways = [LLM(tiny, device="cpu", dtype="float64", attention=w) for w in ("full", "cached", None)]
    outs = [llm.generate(PROMPTS, max_tokens=None, ignore_eos=True) for llm in ways]
    assert outs[0] == outs[1] == outs[2]
    # Of 64 positions, and one more token that is never fed.
    assert all(len(o.prompt_token_ids + o.outputs[0].token_ids) == 65 for o in outs[0])


def test_bad_prompts(llm):
    for prompt in ("", [[]], ["The", ""]):
        with pytest.raises(RuvonError, match="the prompt has no tokens"):
            llm.generate(prompt)
    for token in (-1, 300, 10**9):
        with pytest.raises(RuvonError, match=f"token {token} is not in the vocabulary.*0-299"):
            llm.generate([token])
    with pytest.raises(RuvonError, match="not single ids among them"):
        llm.generate(["The", 5])
    with pytest.raises(RuvonError, match="65 tokens; this model takes 64"):
        llm.generate([[1] * 65])


def test_one_bad_prompt_and_nothing_runs(llm, monkeypatch):
    monkeypatch.setattr("ruvon.llm.generate", lambda *a, **k: pytest.fail("it ran"))
    with pytest.raises(RuvonError, match="65 tokens"):
        llm.generate([[1], [1] * 65])


def test_a_shorter_context_may_be_asked_for(tiny):
    llm = LLM(tiny, device="cpu", dtype="float32", max_model_len=8)
    [out] = llm.generate([1, 2, 3], max_tokens=None, ignore_eos=True)
    assert len(out.outputs[0].token_ids) == 8 - 3 + 1
    with pytest.raises(RuvonError, match="9 tokens; this model takes 8"):
        llm.generate([[1] * 9])
    for wrong in (0, 65):
        with pytest.raises(RuvonError, match=f"max_model_len {wrong} is not between 1 and"):
            LLM(tiny, max_model_len=wrong)


def test_without_a_tokenizer_ids_go_in_and_out(mute, llm):
    [out] = mute.generate([5, 6, 7], max_tokens=4)
    assert out.outputs[0].token_ids == llm.generate([5, 6, 7], max_tokens=4)[0].outputs[0].token_ids
    assert out.outputs[0].text == ""
    with pytest.raises(RuvonError, match="give token ids, not text"):
        mute.generate("The")
    with pytest.raises(RuvonError, match="no text to stream"):
        next(mute.stream([5]))


def test_what_cannot_be_loaded(tiny):
    with pytest.raises(RuvonError, match="attention 'flash' is not one of"):
        LLM(tiny, attention="flash").generate("The")
    with pytest.raises(RuvonError, match="dtype 'float8' is not one of auto"):
        LLM(tiny, dtype="float8")
    with pytest.raises(RuvonError, match="device 'tpu' is not one of auto, cpu, cuda, mps"):
        LLM(tiny, device="tpu")


def test_the_dtype_is_the_devices_best_unless_asked_for(tiny):
    assert LLM(tiny, device="cpu").model.dtype is pick_dtype(None, torch.device("cpu"))
    assert LLM(tiny, device="cpu", dtype="bf16").model.dtype is torch.bfloat16


def test_story_is_the_default():
    [out] = LLM(device="cpu").generate("Once upon a time", max_tokens=5)
    assert out.outputs[0].text.isprintable()
    assert len(out.outputs[0].token_ids) == 5
