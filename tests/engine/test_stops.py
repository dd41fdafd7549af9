"""Stop strings: where a text ends depends on the text alone, never on its tokens."""

import random

import pytest

from ruvon import LLM
from ruvon import SamplingParams
from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.engine.text import Text
from ruvon.errors import RuvonError
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.from_dir(locate("story"))


def by_hand(text, stop):
    """Read letter by letter, until some stop string is complete; of several take the longest."""
    for end in range(1, len(text) + 1):
        complete = [one for one in stop if text[:end].endswith(one)]
        if complete:
            return text[: end - max(map(len, complete))], "stop"
    return text, "length"


def run(text_of, ids):
    """Feed ids one by one. -> the pieces, the reason, how many ids were needed."""
    pieces, reason = [], None
    for count, token in enumerate(ids, start=1):
        last = count == len(ids)
        made = text_of.add(Increment((token,), "length" if last else None))
        pieces.append(made.text)
        reason = made.finish_reason
        if reason:
            return pieces, reason, count
    return pieces, reason, 0


PIECES = [
    "a",
    "b",
    "ab",
    "ba",
    "aba",
    " the",
    "\n",
    "\n\n",
    "é",
    "猫",
    "🐉",
    "👩‍👩‍👧",
    "<end>",
    "</",
    "s>",
    ".",
]


@pytest.mark.parametrize("seed", range(10))
def test_the_pieces_are_the_text_up_to_the_first_stop(tokenizer, seed):
    """A thousand random texts a seed, with overlapping stop strings, cut by the tokenizer."""
    chance = random.Random(seed)
    stopped = 0
    for _ in range(1000):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 12)))
        stop = ["".join(chance.choices(PIECES, k=chance.randint(1, 3))) for _ in range(2)]
        expected, reason = by_hand(text, stop)
        pieces, said, _ = run(StoppedText(tokenizer, stop), tokenizer.encode(text))
        assert ("".join(pieces), said) == (expected, reason), (text, stop)
        stopped += reason == "stop"
    assert 200 < stopped < 900


@pytest.mark.parametrize("seed", range(10))
def test_random_tokens_with_broken_characters(tokenizer, seed):
    """Any ids at all: joined pieces are what the whole text gives, half characters included."""
    chance = random.Random(seed)
    for _ in range(1000):
        ids = [chance.randrange(tokenizer.vocab_size) for _ in range(chance.randint(1, 20))]
        ids = [token for token in ids if token != tokenizer.eos_id] or [0]
        whole = tokenizer.decode(ids)
        at = chance.randrange(max(1, len(whole)))
        stop = [whole[at : at + chance.randint(1, 4)] or "x", "\ufffd\ufffd", "zq"]
        pieces, _, _ = run(StoppedText(tokenizer, stop), ids)
        assert "".join(pieces) == by_hand(whole, stop)[0]


def test_what_cannot_be_a_beginning_is_not_held_back(tokenizer):
    text = StoppedText(tokenizer, ["END"])
    given = [text.add(Increment((token,))).text for token in tokenizer.encode("cat E")]
    assert "".join(given) == "cat "
    assert text.held == "E"


def test_the_same_as_without_when_nothing_stops(tokenizer):
    ids = tokenizer.encode("Once upon a time, there was a dragon.")
    assert "".join(run(StoppedText(tokenizer, ["zzz"]), ids)[0]) == "".join(
        run(Text(tokenizer), ids)[0]
    )


def test_a_run_ends_at_the_stop_string():
    """The engine stops computing, and the ids say which tokens were made."""
    llm = LLM("story", device="cpu", dtype="float32")
    free = llm.generate("Once upon a time", max_tokens=30)[0].outputs[0]
    cut = llm.generate("Once upon a time", max_tokens=30, stop="little girl")[0].outputs[0]
    assert "little girl" in free.text
    assert cut.text == free.text.partition("little girl")[0]
    assert cut.finish_reason == "stop"
    assert cut.token_ids == free.token_ids[: len(cut.token_ids)]
    assert len(cut.token_ids) < len(free.token_ids)
    pieces = llm.stream("Once upon a time", max_tokens=30, stop=["girl", "little girl"])
    assert "".join(pieces) == cut.text


@pytest.mark.parametrize("stop", ["", [""], [1], 3, None, ["a", ""]])
def test_stop_strings_that_are_none_are_refused(stop):
    with pytest.raises(RuvonError, match="stop must be texts that are not empty"):
        SamplingParams(stop=stop)


def test_one_stop_string_or_several():
    assert SamplingParams(stop="a").stop == ("a",)
    assert SamplingParams(stop=["a", "b"]).stop == ("a", "b")
