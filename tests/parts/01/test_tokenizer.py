"""Part 1 · Tokenizer: BPE by hand gives the same ids, nothing is lost, no half characters."""

import json
from itertools import pairwise
from math import inf

import pytest
import regex

from ruvon.tokenizer import LONG_RUN
from ruvon.tokenizer import Detokenizer
from ruvon.tokenizer import Tokenizer
from ruvon.tokenizer import TokenizerError
from ruvon.vocabulary import byte_alphabet
from ruvon.zoo import locate

# A vocabulary small enough to follow: 256 bytes, these merges (best first; the files write a
# space as Ġ), two entries that nothing makes, and the end of text.
MERGES = ["h e", "Ġ t", "Ġt he", "i n", "Ġ Ġ", "a a", "Ã ©", "ð Ł", "in g", "ĠĠ ĠĠ"]
NAMES = [*byte_alphabet(), *(merge.replace(" ", "") for merge in MERGES)]
NAMES += ["<unused_0>", "unused", "<|endoftext|>"]
VOCAB = {name: token_id for token_id, name in enumerate(NAMES)}
END = VOCAB["<|endoftext|>"]

TEXTS = [
    "",
    "the thing in the inn",
    "it's theirs; they'll sing, I'VE",
    "  two,   three\t\ttabs \n\n lines\r\nand the end      ",
    "aaaaaaaa",
    "1234 years, 5²",
    "café, naïve, été",
    "the 🙂 is four bytes; 👩‍👩‍👧 is eighteen",
    "日本語 and the 中文",
    "\x00\x1c\x7f control\u3000wide\u00a0space",
    "an <|endoftext|> that somebody typed, <unused_0>",
]


def write(folder, vocab=VOCAB, merges=MERGES):
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    return folder


@pytest.fixture(params=["tiny", "story"])
def tokenizer(request, tmp_path):
    if request.param == "tiny":
        return Tokenizer.from_dir(write(tmp_path))
    if not locate("story").is_dir():
        pytest.skip("the model that ships is not there yet")
    return Tokenizer.from_dir(locate("story"))


@pytest.fixture
def tiny(tmp_path):
    return Tokenizer.from_dir(write(tmp_path))


def bpe_by_hand(piece: bytes, ranks: dict[bytes, int]) -> list[int]:
    """Begin with single bytes. Merge the two neighbours with the lowest rank, again and again."""
    tokens = [bytes([byte]) for byte in piece]
    while len(tokens) > 1:
        pairs = [left + right for left, right in pairwise(tokens)]
        best = min(pairs, key=lambda pair: ranks.get(pair, inf))
        if best not in ranks:
            break
        at = pairs.index(best)
        tokens[at : at + 2] = [best]
    return [ranks[token] for token in tokens]


@pytest.mark.parametrize("text", TEXTS)
def test_bpe_by_hand_gives_the_same_ids(tokenizer, text):
    ids = []
    for piece in regex.findall(tokenizer.pattern, text):
        ids += bpe_by_hand(piece.encode(), tokenizer.ranks)
    assert tokenizer.encode(text) == ids


def test_merges_come_in_the_order_in_which_they_were_learnt(tiny):
    names = [NAMES[token_id] for token_id in tiny.encode("the thing")]
    # "he" goes before "Ġt", and "Ġthe" needs a space; "th" was never learnt.
    assert names == ["t", "he", "Ġt", "h", "ing"]


def test_a_run_of_spaces_leaves_the_last_one_to_the_word(tiny):
    assert [tiny.token_bytes(i) for i in tiny.encode("a   the  ")] == [b"a", b"  ", b" the", b"  "]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_lost(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode_bytes(ids) == text.encode()
    assert tokenizer.decode(ids) == text
    assert all(0 <= token_id < tokenizer.vocab_size == len(tokenizer) for token_id in ids)


def test_special_tokens_are_text_unless_asked_for(tokenizer):
    end = "<|endoftext|>"
    assert tokenizer.special_tokens == {end: tokenizer.eos_id}
    typed = tokenizer.encode(f"the {end}")
    assert tokenizer.eos_id not in typed
    assert tokenizer.decode(typed) == f"the {end}"
    asked = tokenizer.encode(f"the {end}{end} end", special=True)
    assert asked == [
        *tokenizer.encode("the "),
        tokenizer.eos_id,
        tokenizer.eos_id,
        *tokenizer.encode(" end"),
    ]


@pytest.mark.parametrize("name", ["<unused_0>", "unused"])
def test_an_entry_that_no_merge_makes_is_decoded_but_never_produced(tiny, name):
    assert tiny.decode([VOCAB[name]]) == name
    assert VOCAB[name] not in tiny.encode(name)


@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_never_shows_half_a_character(tokenizer, text):
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.push(token_id) for token_id in tokenizer.encode(text)]
    assert detokenizer.flush() == ""
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_character_is_shown_with_its_last_byte(tiny):
    detokenizer = Detokenizer(tiny)
    assert [detokenizer.push(i) for i in tiny.encode("é🙂!")] == ["é", "", "", "🙂", "!"]


def test_a_character_cut_off_becomes_the_replacement_character(tiny):
    detokenizer = Detokenizer(tiny)
    half = tiny.encode("🙂")[:2]
    assert [detokenizer.push(i) for i in half] == ["", ""]
    assert detokenizer.flush() == tiny.decode(half) == "\ufffd"
    assert detokenizer.push(VOCAB["a"]) == "a"  # what was flushed is forgotten


def test_a_run_of_whitespace_too_long_for_the_regex(tiny):
    spaces = " " * (LONG_RUN + 2)
    assert tiny.decode(tiny.encode(f"in{spaces}the{spaces}")) == f"in{spaces}the{spaces}"
    # The same shape as of a short run, where the regex decides: an even run, then " the".
    long_ids, short_ids = (tiny.encode(f"in{' ' * n}the") for n in (LONG_RUN + 5, 5))
    assert long_ids[:1] + long_ids[-1:] == short_ids[:1] + short_ids[-1:]
    assert short_ids == [VOCAB["in"], VOCAB["ĠĠĠĠ"], VOCAB["Ġthe"]]
    assert set(long_ids[1:-1]) == {VOCAB["ĠĠĠĠ"]}


@pytest.mark.parametrize("token_id", [-1, len(VOCAB), 50_256])
def test_an_id_that_does_not_exist_is_named(tiny, token_id):
    for ask in (tiny.token_bytes, lambda i: tiny.decode([i]), Detokenizer(tiny).push):
        with pytest.raises(TokenizerError, match=rf"token id {token_id} is out of range.* 269 "):
            ask(token_id)


def without(*names):
    return {name: i for i, name in enumerate(n for n in NAMES if n not in names)}


@pytest.mark.parametrize(
    ("vocab", "merges", "message"),
    [
        (VOCAB, [*MERGES, "q u"], r"merge 11 is 'q' 'u', but 'qu' is not in the vocabulary"),
        (VOCAB, ["h e", "Ġthe n"], r"merge 2 .* 'Ġthen' is not"),
        ({**VOCAB, "qu!": 269}, ["qu !"], r"merge 1 is 'qu' '!', but 'qu' is not"),
        ({**VOCAB, "!qu": 269}, ["! qu"], r"merge 1 is '!' 'qu', but 'qu' is not"),
        (VOCAB, ["h e i"], r"merge 1 is 'h e i', expected two tokens"),
        (
            VOCAB,
            [*MERGES[1:], MERGES[0]],
            r"not in merge order: merge 10 makes 'he', id 256, after",
        ),
        (without("Ġ"), [], r"1 of the 256 bytes have no token, among them 0x20"),
        ({**VOCAB, "more": 300}, MERGES, r"no token has id 269"),
        ({**VOCAB, "more": 3}, MERGES, r"id 3 is both"),
        ({**VOCAB, "more": "x"}, MERGES, r"vocab.json: expected .* integer ids"),
        ([], MERGES, r"vocab.json: expected a JSON object, found a list"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path, vocab, merges, message):
    with pytest.raises(TokenizerError, match=message) as refused:
        Tokenizer.from_dir(write(tmp_path, vocab, merges))
    assert str(tmp_path) in str(refused.value)


def test_files_that_are_missing_or_cut_off_are_named(tmp_path):
    with pytest.raises(
        TokenizerError, match=r"expected tokenizer\.json, or vocab\.json and merges"
    ):
        Tokenizer.from_dir(tmp_path / "nowhere")
    (write(tmp_path) / "vocab.json").write_text('{"h": 0, "e"')
    with pytest.raises(TokenizerError, match=r"vocab\.json: expected JSON, is the file whole\?"):
        Tokenizer.from_dir(tmp_path)
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"has no tokenizer: expected"):
        Tokenizer.from_dir(tmp_path)
