"""The long evidence for the tokenizer: GPT-2's ids for any text, any stream, any file."""

import copy
import json
import os
import random
import re
from pathlib import Path

import pytest
import tiktoken
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ruvon.tokenizer import _SPACE
from ruvon.tokenizer import LONG_RUN
from ruvon.tokenizer import Detokenizer
from ruvon.tokenizer import Tokenizer
from ruvon.tokenizer import TokenizerError
from ruvon.vocabulary import Vocabulary
from ruvon.vocabulary import byte_alphabet

DATA = Path(os.environ.get("RUVON_DATA", "no RUVON_DATA"))
GPT2 = DATA / "gpt2-bpe"
needs_gpt2 = pytest.mark.skipif(not GPT2.is_dir(), reason="RUVON_DATA/gpt2-bpe is not there")
END = "<|endoftext|>"

# --- GPT-2's ids, by the implementation in transformers ------------------------------------------


@pytest.fixture(scope="session")
def gpt2():
    return Tokenizer.from_dir(GPT2)


@pytest.fixture(scope="session")
def transformers_gpt2():
    transformers = pytest.importorskip("transformers")
    return transformers.GPT2Tokenizer.from_pretrained(str(GPT2)).backend_tokenizer


@pytest.fixture(scope="session")
def reference_special(transformers_gpt2):
    return lambda text: transformers_gpt2.encode(text, add_special_tokens=False).ids


@pytest.fixture(scope="session")
def reference(transformers_gpt2):
    """It knows no way to take special tokens for text, so this one has none."""
    data = json.loads(transformers_gpt2.to_str()) | {"added_tokens": []}
    plain = type(transformers_gpt2).from_str(json.dumps(data))
    return lambda text: plain.encode(text, add_special_tokens=False).ids


def agree(gpt2, reference, text):
    ids = gpt2.encode(text)
    assert ids == reference(text)
    assert gpt2.decode(ids) == text
    return ids


@needs_gpt2
def test_published_ids(gpt2):
    assert (gpt2.vocab_size, gpt2.eos_id, gpt2.special_tokens) == (50257, 50256, {END: 50256})
    assert gpt2.encode("hello world") == [31373, 995]
    assert gpt2.encode(END, special=True) == [50256]
    assert gpt2.encode(END) == [27, 91, 437, 1659, 5239, 91, 29]


@needs_gpt2
def test_published_counts(gpt2):
    text = (DATA / "text/tinyshakespeare.txt").read_text(encoding="utf-8")
    cut = int(len(text) * 0.9)
    assert len(gpt2.encode(text[:cut])) == 301_966
    assert len(gpt2.encode(text[cut:])) == 36_059


EDGES = {
    "empty": "",
    "controls": "".join(map(chr, range(0x20))) * 2 + "\x7f\x80\x85\x9f",
    "separators": "a\x1cb\x1d c\x1e\x1f\u2028d\u2029e\u200b\ufeff f",
    "crlf": "one\r\ntwo\r\n\r\n three\r\r\n\n\tfour\r\n",
    "emoji": "👩‍👩‍👧‍👦👍🏽🇫🇷 ☃️🏳️‍🌈🫠!",
    "scripts": "Ελλάδα и Россия עברית العربية हिन्दी ไทย 日本語 한국어 ქართული 𝔊𝔬𝔱𝔥 𐍈 中文字",
    "combining": "e\u0301 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘ ﷽",
    "contractions": "I'm it's we'll they've he'd you're CAN'T 'tis ''s '' 's's 'S ’s don't",
    "numbers": "3.14 1,000,000 ٣٤٥ Ⅻ ½ ² 一二三 0x1F 1e-9",
    "spaces": " \u00a0\u3000\u2003 x \u1680\u205f\t \n y\u202f1\u2007!",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufffd\ue000",
    "typed specials": f"a{END} {END[:-1]} <|im_start|>",
    "code": "def f(x):\n    if x:\n        return {'a': [1, 2]}  # ok\n\n\n",
}


@needs_gpt2
@pytest.mark.parametrize("text", EDGES.values(), ids=EDGES.keys())
def test_the_ids_of_edge_cases(gpt2, reference, text):
    agree(gpt2, reference, text)
    agree(gpt2, reference, f" {text} ")
    agree(gpt2, reference, text * 50)


@needs_gpt2
def test_the_ids_of_every_character(gpt2, reference):
    """Planes 0-3 and 14 whole; of the others, unassigned and private, every 97th."""
    some = [*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000)]
    some += [*range(0x40000, 0xE0000, 97), *range(0xF0000, 0x110000, 97)]
    for begin in range(0, len(some), 20_000):
        agree(gpt2, reference, "".join(f"{chr(c)} {chr(c)}" for c in some[begin : begin + 20_000]))


@needs_gpt2
@pytest.mark.parametrize("name", ["tinyshakespeare", "wikitext2-raw-test", "tinystories-sample"])
def test_the_ids_of_a_megabyte(gpt2, reference, name):
    text = (DATA / f"text/{name}.txt").read_text(encoding="utf-8")
    agree(gpt2, reference, text)


@needs_gpt2
@pytest.mark.parametrize("unit", ["a", " a", "日", "🙂", "1", "^", "'s"])
def test_the_ids_of_a_megabyte_without_a_break(gpt2, reference, unit):
    agree(gpt2, reference, unit * (1_000_000 // len(unit.encode())))


# Most of Unicode is rare letters. This mixes in what the regex and UTF-8 can stumble on.
characters = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(" \t\r\n'\u00a0\u3000\x1c\x85sdtmlvreaA1²½!<|>é日🙂\u200d\u0301\ufffd"),
)
texts = st.text(characters, max_size=200)


@needs_gpt2
@settings(max_examples=1500, deadline=None)
@given(text=texts)
@example(text="a \n\n b")
@example(text="\u3000 \u3000a")
def test_the_ids_of_any_text(gpt2, reference, text):
    agree(gpt2, reference, text)


@needs_gpt2
@settings(max_examples=500, deadline=None)
@given(parts=st.lists(st.one_of(texts, st.just(END), st.just("  "), st.just(END[:5])), max_size=8))
def test_special_tokens_when_asked_for(gpt2, reference, reference_special, parts):
    text = "".join(parts)
    ids = gpt2.encode(text, special=True)
    assert ids == reference_special(text)
    assert ids.count(gpt2.eos_id) == text.count(END)
    assert gpt2.decode(ids) == text
    assert gpt2.eos_id not in agree(gpt2, reference, text)


@needs_gpt2
@settings(max_examples=300, deadline=None)
@given(text=st.text(st.one_of(characters, st.characters(categories=["Cs"])), max_size=50))
@example(text="\ud800")
@example(text="\ud83d\ude42 and \ude42\ud83d")
def test_lone_surrogates_are_encoded_as_the_replacement_character(gpt2, text):
    # A pair of surrogates is one character; only a lone one is none.
    clean = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert gpt2.encode(text) == gpt2.encode(clean)
    assert gpt2.encode(text, special=True) == gpt2.encode(clean, special=True)


# --- Long runs of whitespace ---------------------------------------------------------------------

AROUND = ["", "a", " a", "'s", "1", "é", "🙂", "\x1c", "\u200b", END]


@needs_gpt2
@pytest.mark.parametrize("length", range(LONG_RUN - 1, LONG_RUN + 3))
@pytest.mark.parametrize("unit", [" ", "\n", "\u3000 \r\n"])
def test_the_ids_of_a_long_run_of_whitespace(gpt2, reference, reference_special, unit, length):
    run = (unit * length)[:length]
    for before, after in zip(AROUND, AROUND[::-1], strict=True):
        text = f"{before}{run}{after}"
        assert gpt2.encode(text, special=True) == reference_special(text)
    text = f"x{run}y{run[:-1]}z\n{run[:100]}w{run}"
    agree(gpt2, reference, text)


@needs_gpt2
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_ids_of_texts_with_long_runs(gpt2, reference, data):
    rng = random.Random(data.draw(st.integers(0, 1000)))
    parts = []
    for _ in range(data.draw(st.integers(1, 4))):
        length = LONG_RUN + data.draw(st.integers(-3, 5000))
        blanks = data.draw(st.sampled_from([" ", "\n", " \n", " \t\r\n\u00a0\u3000\u2003"]))
        parts += [data.draw(texts), "".join(rng.choices(blanks, k=length))]
    agree(gpt2, reference, "".join(parts))


@needs_gpt2
@pytest.mark.parametrize(("unit", "after"), [(" ", "b"), ("\n", ""), (" \n", "b")])
def test_five_megabytes_of_whitespace(gpt2, unit, after):
    text = f"a{unit * (5_000_000 // len(unit))}{after}"
    ids = gpt2.encode(text)
    assert gpt2.decode(ids) == text
    # The ends of a run do not depend on its length.
    short = gpt2.encode(f"a{unit * 1000}{after}")
    assert (ids[:300], ids[-300:]) == (short[:300], short[-300:])


def test_whitespace_here_is_whitespace_in_the_regex_engine():
    """The search for long runs and the engine must agree on what whitespace is."""
    single_bytes = {bytes([byte]): byte for byte in range(256)}
    engine = tiktoken.Encoding(
        "bytes", pat_str=r"\s", mergeable_ranks=single_bytes, special_tokens={}
    )
    every = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    whitespace = engine.decode(engine.encode_ordinary(every))
    assert len(whitespace) == 25
    assert "".join(re.findall(_SPACE, every)) == whitespace


# --- Streams -------------------------------------------------------------------------------------


def tiny_tokenizer(merges=(), extra=(), **options):
    pairs = [tuple(merge.split(" ")) for merge in merges]
    names = [*byte_alphabet(), *dict.fromkeys(a + b for a, b in pairs), *extra, END]
    vocab = {name: token_id for token_id, name in enumerate(names)}
    options = {"special_tokens": {END: vocab[END]}, "eos_token": END} | options
    return Tokenizer(Vocabulary.build(vocab, pairs, **options))


# What a character can begin with, without being whole: its bytes but the last, the last two ...
# Surrogates are no characters in UTF-8, but Python's decoder waits for their last byte too.
BEGINNINGS = {
    chr(c).encode(errors="surrogatepass")[:length]
    for c in range(0x80, 0x110000, 0x40)
    for length in range(1, len(chr(c).encode(errors="surrogatepass")))
}


def certain(so_far: bytes) -> str:
    """The text of `so_far` that nothing after it can change: all but a character just begun."""
    for length in range(min(3, len(so_far)), 0, -1):
        if so_far[-length:] in BEGINNINGS:
            so_far = so_far[:-length]
            break
    return so_far.decode("utf-8", errors="replace")


def check_stream(tokenizer, ids):
    detokenizer = Detokenizer(tokenizer)
    shown, so_far = "", b""
    for token_id in ids:
        shown += detokenizer.push(token_id)
        so_far += tokenizer.token_bytes(token_id)
        assert shown == certain(so_far)
    assert shown + detokenizer.flush() == tokenizer.decode(ids) == so_far.decode(errors="replace")
    assert detokenizer.flush() == ""


# Bytes that begin characters of each length, continue them, or can be in none: near misses.
AWKWARD = [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0xF5]


def test_ten_thousand_streams_of_awkward_bytes():
    tokenizer = tiny_tokenizer(["Ã ©", "ð Ł", "Ł ĺ", "h e"], extra=["<unused>"])
    byte_ids = [tokenizer.ranks[bytes([byte])] for byte in AWKWARD]
    rng = random.Random(0)
    for _ in range(10_000):
        ids = rng.choices(byte_ids, k=rng.randrange(12))
        ids += rng.choices(range(len(tokenizer)), k=rng.randrange(12))
        rng.shuffle(ids)
        check_stream(tokenizer, ids)


@settings(max_examples=1000, deadline=None)
@given(ids=st.lists(st.integers(0, 255), max_size=30))
def test_any_stream_of_bytes(ids):
    check_stream(BYTES, ids)


@needs_gpt2
def test_ten_thousand_streams_of_gpt2(gpt2):
    rng = random.Random(1)
    pieces = [i for i in range(256, 50257) if not is_text(gpt2.token_bytes(i))]
    assert len(pieces) > 200  # tokens that hold part of a character
    for _ in range(10_000):
        ids = rng.choices(range(50257), k=rng.randrange(10)) + rng.choices(pieces, k=6)
        rng.shuffle(ids)
        check_stream(gpt2, ids)


def is_text(some: bytes) -> bool:
    return "\ufffd" not in some.decode(errors="replace")


@needs_gpt2
@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_a_stream_of_a_text_shows_no_replacement_character(gpt2, text):
    ids = gpt2.encode(text)
    check_stream(gpt2, ids)
    detokenizer = Detokenizer(gpt2)
    shown = [detokenizer.push(token_id) for token_id in ids]
    assert sum(piece.count("\ufffd") for piece in shown) == text.count("\ufffd")


# --- Files ---------------------------------------------------------------------------------------

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = Path(__file__).read_text(encoding="utf-8")


def trained(pattern=None, size=600, corpus=(CORPUS,)):
    """A vocabulary and its reference, both from the `tokenizers` library."""
    tokenizers = pytest.importorskip("tokenizers")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    before = tokenizers.pre_tokenizers
    bpe.pre_tokenizer = before.ByteLevel(add_prefix_space=False)
    if pattern:
        split = before.Split(tokenizers.Regex(pattern), "isolated")
        level = before.ByteLevel(add_prefix_space=False, use_regex=False)
        bpe.pre_tokenizer = before.Sequence([split, level])
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=before.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(corpus, trainer)
    bpe.add_special_tokens([END])
    return bpe


def save_json(folder, data, config=None):
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def save_gpt2_files(folder, data, header="", config=None, newline="\n"):
    folder.mkdir(exist_ok=True)
    vocab = data["model"]["vocab"] | {t["content"]: t["id"] for t in data["added_tokens"]}
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    lines = [" ".join(pair) for pair in data["model"]["merges"]]
    text = header + newline.join(lines) + newline
    (folder / "merges.txt").write_bytes(text.encode())
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def check_against(tokenizer, bpe):
    for text in [*EDGES.values(), CORPUS, f"a{END}b"]:
        assert tokenizer.encode(text, special=True) == bpe.encode(text).ids
    assert tokenizer.special_tokens == {END: bpe.token_to_id(END)}
    assert tokenizer.eos_id == bpe.token_to_id(END)
    assert tokenizer.vocab_size == bpe.get_vocab_size()


@pytest.mark.parametrize("pattern", [None, LLAMA3], ids=["gpt2", "llama3"])
@pytest.mark.parametrize("pairs", [True, False], ids=["pairs", "lines"])
def test_a_tokenizer_json_gives_the_ids_of_tokenizers(tmp_path, pattern, pairs):
    bpe = trained(pattern)
    data = json.loads(bpe.to_str())
    if not pairs:
        data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    check_against(Tokenizer.from_dir(save_json(tmp_path, data)), bpe)


def test_a_tokenizer_json_of_2020_gives_the_same_ids(tmp_path):
    bpe = trained()
    data = json.loads(bpe.to_str())
    del data["model"]["type"], data["pre_tokenizer"]["use_regex"]
    check_against(Tokenizer.from_dir(save_json(tmp_path, data)), bpe)


@pytest.mark.parametrize("header", ["", "#version: 0.2\n", "#version: 0.2 - made by x\r\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_gpt2s_files_with_and_without_a_header(tmp_path, header, newline):
    bpe = trained()
    data = json.loads(bpe.to_str())
    folder = save_gpt2_files(tmp_path, data, header, newline=newline)
    check_against(Tokenizer.from_dir(folder), bpe)


@settings(max_examples=60, deadline=None)
@given(
    corpus=st.lists(st.text("abc d", max_size=40), min_size=1, max_size=8),
    probes=st.lists(st.text("abc d", max_size=40), max_size=8),
)
def test_merging_by_rank_is_merging_by_pair(corpus, probes):
    """tiktoken looks up the bytes of a pair, tokenizers the pair: over trained merges, the same."""
    bpe = trained(size=330, corpus=corpus)
    model = json.loads(bpe.to_str())["model"]
    special = {END: bpe.token_to_id(END)}
    pairs = [tuple(pair) for pair in model["merges"]]
    tokenizer = Tokenizer(Vocabulary.build(model["vocab"], pairs, special_tokens=special))
    for text in [*corpus, *probes]:
        assert tokenizer.encode(text) == bpe.encode(text).ids


def test_several_merges_for_one_token(tmp_path):
    """Files converted from tiktoken's format list every pair that makes a token."""
    few = ["a b", "b c", "ab c", "c d"]
    every = ["a b", "b c", "ab c", "a bc", "c d"]
    texts = ["abcd", "aabcbcd", "bcdabc"]
    ids = [tiny_tokenizer(few).encode(text) for text in texts]
    assert [tiny_tokenizer(every).encode(text) for text in texts] == ids


def test_a_vocabulary_filled_up_with_unused_entries(tmp_path):
    """Such a vocabulary has GPT-2's size, but fewer merges than entries."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    data = json.loads(trained(size=400).to_str())
    data["added_tokens"] = []
    vocab = data["model"]["vocab"]
    real = len(vocab)
    fill = [*(f"<unused_{i}>" for i in range(real, 498)), "unused", " with a space", "日"]
    vocab |= {name: real + i for i, name in enumerate(fill)}
    vocab[END] = len(vocab)
    bpe = tokenizers.Tokenizer.from_str(json.dumps(data))
    bpe.add_special_tokens([tokenizers.AddedToken(END, special=True)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, unk_token=END, pad_token=END
    )
    fast.save_pretrained(tmp_path / "both")
    saved = json.loads((tmp_path / "both/tokenizer.json").read_text(encoding="utf-8"))
    save_gpt2_files(tmp_path / "gpt2", saved, "#version: 0.2\n")
    for name in ("both", "gpt2"):
        tokenizer = Tokenizer.from_dir(tmp_path / name)
        check_against(tokenizer, bpe)
        for entry in fill:
            assert tokenizer.decode([vocab[entry]]) == entry == bpe.decode([vocab[entry]])
            assert vocab[entry] not in tokenizer.encode(entry)


def test_tokens_with_a_role_are_special(tmp_path):
    bpe = trained()
    bpe.add_special_tokens(["<|im_start|>", "<|im_end|>", "<|im|>", "<|im|>|>"])
    bpe.add_special_tokens(["<tool>"])
    data = json.loads(bpe.to_str())
    config = {"eos_token": {"content": "<|im_end|>"}, "bos_token": None, "add_bos_token": False}
    tokenizer = Tokenizer.from_dir(save_json(tmp_path / "json", data, config))
    assert tokenizer.special_tokens == {t["content"]: t["id"] for t in data["added_tokens"]}
    assert tokenizer.eos_id == bpe.token_to_id("<|im_end|>")
    text = "<|im_start|>a <tool><|im_end|><|im|>|><|im|>>"
    assert tokenizer.encode(text, special=True) == bpe.encode(text).ids
    assert not set(tokenizer.encode(text)) & set(tokenizer.special_tokens.values())

    # The same from vocab.json and merges.txt, with the added tokens in tokenizer_config.json only.
    config["added_tokens_decoder"] = {str(t["id"]): t for t in data["added_tokens"]}
    folder = save_gpt2_files(tmp_path / "gpt2", data | {"added_tokens": []}, config=config)
    again = Tokenizer.from_dir(folder)
    assert again.vocabulary == tokenizer.vocabulary

    config["eos_token"] = "</s>"
    with pytest.raises(TokenizerError, match=r"json: the end-of-text token '</s>' is not in"):
        Tokenizer.from_dir(save_json(tmp_path / "json", data, config))


def test_a_role_alone_makes_a_token_special(tmp_path):
    """GPT-2's first files had no list of added tokens."""
    names = [*byte_alphabet(), "</s>", "<unk>", "<other>"]
    files = {
        "vocab.json": {name: token_id for token_id, name in enumerate(names)},
        "merges.txt": [],
        "tokenizer_config.json": {"eos_token": "</s>", "unk_token": {"content": "<unk>"}},
    }
    tokenizer = Tokenizer.from_dir(write(tmp_path, files))
    assert (tokenizer.special_tokens, tokenizer.eos_id) == ({"</s>": 256, "<unk>": 257}, 256)
    assert tokenizer.encode("a<unk></s>", special=True)[1:] == [257, 256]


def test_a_special_token_is_its_own_text(tmp_path):
    """Its name is not in the byte alphabet: é is not the byte 0xE9."""
    tokenizer = tiny_tokenizer(extra=["é!"], special_tokens={"é!": 256}, eos_token=None)
    assert tokenizer.eos_id is None
    assert tokenizer.decode(tokenizer.encode("aé!", special=True)) == "aé!"


def change(data, path, value):
    data = copy.deepcopy(data)
    *parents, last = path.split(".")
    at = data
    for key in parents:
        at = at[int(key) if isinstance(at, list) else key]
    at[last] = value
    return data


LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
SPLIT = {"type": "Split", "pattern": {"Regex": ".+"}, "behavior": "Isolated", "invert": False}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("normalizer", {"type": "NFC"}),
        ("model.type", "Unigram"),
        ("model.type", "WordPiece"),
        ("model.byte_fallback", True),
        ("model.dropout", 0.1),
        ("model.end_of_word_suffix", "</w>"),
        ("model.continuing_subword_prefix", "##"),
        ("model.merges", None),
        ("model.vocab", [["a", 0.5]]),
        ("model", None),
        ("pre_tokenizer", None),
        ("pre_tokenizer", {"type": "Metaspace"}),
        ("pre_tokenizer.add_prefix_space", True),
        ("pre_tokenizer.use_regex", False),
        ("pre_tokenizer", sequence(SPLIT)),
        ("pre_tokenizer", sequence(LEVEL, SPLIT)),
        ("pre_tokenizer", sequence(SPLIT, SPLIT, LEVEL)),
        ("pre_tokenizer", sequence(SPLIT, LEVEL | {"use_regex": True})),
        ("pre_tokenizer", sequence(SPLIT, LEVEL | {"add_prefix_space": True})),
        ("pre_tokenizer", sequence(SPLIT | {"behavior": "Removed"}, LEVEL)),
        ("pre_tokenizer", sequence(SPLIT | {"invert": True}, LEVEL)),
        ("pre_tokenizer", sequence(SPLIT | {"pattern": {"String": " "}}, LEVEL)),
        ("added_tokens.0.lstrip", True),
        ("added_tokens.0.rstrip", True),
        ("added_tokens.0.single_word", True),
    ],
)
def test_what_would_change_the_ids_is_refused(tmp_path, path, value):
    data = json.loads(trained(size=270).to_str())
    Tokenizer.from_dir(save_json(tmp_path, data))
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: .*Ruvon reads byte-level BPE"):
        Tokenizer.from_dir(save_json(tmp_path, change(data, path, value)))


def test_a_prefix_space_in_the_configuration_is_refused(tmp_path):
    data = json.loads(trained(size=270).to_str())
    folder = save_gpt2_files(tmp_path, data, config={"add_prefix_space": True})
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json: add_prefix_space"):
        Tokenizer.from_dir(folder)


@pytest.mark.parametrize(
    ("regex", "message"),
    [(r"\p{L}+|\s+", "does not match all of a text"), (r"(a", "does not compile")],
)
def test_a_regex_that_cannot_be_used_is_refused(tmp_path, regex, message):
    data = json.loads(trained(size=270).to_str())
    split = SPLIT | {"pattern": {"Regex": regex}}
    save_json(tmp_path, data | {"pre_tokenizer": sequence(split, LEVEL)})
    with pytest.raises(TokenizerError, match=message) as refused:
        Tokenizer.from_dir(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_a_regex_of_its_own_takes_runs_up_to_the_limit(tmp_path):
    bpe = trained(LLAMA3)
    tokenizer = Tokenizer.from_dir(save_json(tmp_path, json.loads(bpe.to_str())))
    text = f"a{' ' * LONG_RUN}b"
    assert tokenizer.encode(text) == bpe.encode(text).ids
    with pytest.raises(TokenizerError, match=r"a run of 32,769 whitespace characters"):
        tokenizer.encode(f"a{' ' * (LONG_RUN + 1)}b")


JUNK = st.sampled_from([None, True, -1, 1.5, "", "x", [], {}, ["a"], {"content": "x"}, [[1, 2]]])


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_the_files_hold_the_error_is_a_tokenizer_error(tmp_path_factory, data):
    files = copy.deepcopy(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        at, key = files, data.draw(st.sampled_from(sorted(files)))
        while isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans()):
            at = at[key]
            key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
        at[key] = copy.deepcopy(data.draw(JUNK))
    folder = write(tmp_path_factory.mktemp("junk"), files)
    for _ in ("tokenizer.json", "vocab.json"):
        try:
            tokenizer = Tokenizer.from_dir(folder)
        except TokenizerError as error:
            assert str(folder) in str(error)
        else:
            assert tokenizer.decode(tokenizer.encode("a the text")) == "a the text"
        (folder / "tokenizer.json").unlink(missing_ok=True)


def write(folder, files):
    for name, content in files.items():
        if name == "merges.txt" and isinstance(content, list):
            text = "\n".join(map(str, content))
        else:
            text = json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


BYTES = tiny_tokenizer()
NAMES = [*byte_alphabet(), "he", "Ġt", "Ġthe", END]
SOUND = {
    "vocab.json": {name: token_id for token_id, name in enumerate(NAMES)},
    "merges.txt": ["h e", "Ġ t", "Ġt he"],
    "tokenizer.json": {
        "added_tokens": [{"id": 259, "content": END, "special": True, "lstrip": False}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "model": {
            "type": "BPE",
            "vocab": {name: token_id for token_id, name in enumerate(NAMES)},
            "merges": [["h", "e"], "Ġ t", ["Ġt", "he"]],
        },
    },
    "tokenizer_config.json": {
        "eos_token": END,
        "bos_token": {"content": END},
        "added_tokens_decoder": {"259": {"content": END, "special": True}},
    },
}


def test_the_sound_files_are_sound(tmp_path):
    by_json = Tokenizer.from_dir(write(tmp_path, SOUND))
    (tmp_path / "tokenizer.json").unlink()
    assert Tokenizer.from_dir(tmp_path).vocabulary == by_json.vocabulary
