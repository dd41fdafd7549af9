"""Part 1 · Vocabulary: what tokenizer files say, checked before anything is built from it.

Training a BPE counts which two neighbouring tokens stand together most often, merges them into
a new token, and begins again. It leaves two things: the merges in the order in which they were
found, and the tokens with their ids. GPT-2 stores them as merges.txt and vocab.json; the
`tokenizers` library stores both, and how text is cut before, in a tokenizer.json.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruvon.errors import RuvonError

# How GPT-2 cuts text: English contractions; words, numbers and signs, each with at most one space
# before it; whitespace. By (?!\S) a run of spaces leaves its last one to the word after it.
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT2_END_OF_TEXT = "<|endoftext|>"


class TokenizerError(RuvonError):
    """Tokenizer files that cannot be used, or an id that the vocabulary does not have."""


def byte_alphabet() -> dict[str, int]:
    """How the files write bytes: one visible character for each of the 256.

    The 188 that are visible in Latin-1 stand for themselves, the other 68 are U+0100 onwards, so
    a space is Ġ and a newline Ċ, as in GPT-2's published encoder.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(b): b for b in visible} | {chr(0x100 + i): b for i, b in enumerate(others)}


_BYTE_OF = byte_alphabet()


def _to_bytes(token: str) -> bytes:
    """The bytes of a token that the files write as `token`."""
    try:
        return bytes(map(_BYTE_OF.__getitem__, token))
    except KeyError:  # not in the alphabet, so not made of bytes: it can only mean itself
        return token.encode()


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a byte-level BPE, and how they come out of text."""

    # By id, the bytes that the token stands for.
    tokens: list[bytes]
    # The 256 bytes and what the merges make of them: token to id, which is its priority too.
    ranks: dict[bytes, int]
    special_tokens: dict[str, int]
    eos_id: int | None
    # The regex that cuts text into pieces. Merges never cross from one piece into the next.
    pattern: str

    @classmethod
    def build(
        cls,
        vocab: dict[str, int],
        merges: Iterable[tuple[str, str]],
        *,
        special_tokens: dict[str, int] | None = None,
        eos_token: str | None = None,
        pattern: str = GPT2_PATTERN,
    ) -> "Vocabulary":
        """From token to id and pairs to merge, best first, both in the files' byte alphabet.

        An entry of `vocab` that is not special, not a byte and not made by a merge is never
        produced, but can be decoded. Raises TokenizerError on what does not fit together.
        """
        special_tokens = special_tokens or {}
        if eos_token is not None and eos_token not in special_tokens:
            raise TokenizerError(f"the end-of-text token {eos_token!r} is not in the vocabulary")
        return cls(
            tokens=_tokens_by_id(vocab, special_tokens),
            ranks=_ranks(vocab, merges),
            special_tokens=special_tokens,
            eos_id=None if eos_token is None else special_tokens[eos_token],
            pattern=pattern,
        )


def _tokens_by_id(vocab: dict[str, int], special_tokens: dict[str, int]) -> list[bytes]:
    names: dict[int, str] = {}
    for name, token_id in (vocab | special_tokens).items():
        if names.setdefault(token_id, name) != name:
            raise TokenizerError(f"id {token_id} is both {names[token_id]!r} and {name!r}")
    missing = set(range(len(names))) - set(names)
    if missing:
        raise TokenizerError(
            f"no token has id {min(missing)}; the ids of {len(names):,} tokens must be "
            f"0 to {len(names) - 1}, each of them once"
        )
    ordered = (names[token_id] for token_id in range(len(names)))
    return [name.encode() if name in special_tokens else _to_bytes(name) for name in ordered]


def _ranks(vocab: dict[str, int], merges: Iterable[tuple[str, str]]) -> dict[bytes, int]:
    missing = [byte for char, byte in _BYTE_OF.items() if char not in vocab]
    if missing:
        raise TokenizerError(
            f"{len(missing)} of the 256 bytes have no token, among them 0x{missing[0]:02x}; "
            "byte-level BPE needs them all (train it with the whole byte alphabet)"
        )
    ranks = {bytes([byte]): vocab[char] for char, byte in _BYTE_OF.items()}
    last = ""
    parts: dict[bytes, set[tuple[bytes, bytes]]] = {}  # of each token, the pairs that make it
    for number, (left, right) in enumerate(merges, start=1):
        made = left + right
        for token in (left, right, made):
            if token not in vocab:
                raise TokenizerError(
                    f"merge {number} is {left!r} {right!r}, but {token!r} is not in the vocabulary"
                )
        # Equal ids are in order: some files list every pair that makes a token, one by one.
        if last and vocab[made] < vocab[last]:
            raise TokenizerError(
                f"the vocabulary is not in merge order: merge {number} makes {made!r}, id "
                f"{vocab[made]}, after {last!r}, id {vocab[last]}. A token's id has to be its "
                "place among the merges too, as in GPT-2's files; this vocabulary was sorted or "
                "renumbered after it was trained"
            )
        one, other = _to_bytes(left), _to_bytes(right)
        ranks[one + other] = vocab[made]
        parts.setdefault(one + other, set()).add((one, other))
        last = made
    _check_pairs(ranks, parts)
    return ranks


def _check_pairs(ranks: dict[bytes, int], parts: dict[bytes, set[tuple[bytes, bytes]]]) -> None:
    """Refuse a token that is not made of the pair that the merges list for it.

    tiktoken merges whatever makes a token, and takes a piece that is one as it is. The files
    merge listed pairs alone. The two agree if every token's bytes, merged best first, end in a
    listed pair. Each pair meets where its parts touch: no token may be made across that first.
    """
    natural: dict[bytes, tuple[bytes, bytes]] = {}
    never = max(ranks.values()) + 1

    def edge(token: bytes, side: int) -> list[bytes]:
        found = [token]
        while len(found[-1]) > 1:
            found.append(natural[found[-1]][side])
        return found  # from the whole token to the byte at its edge

    for made, pairs in parts.items():
        for left, right in pairs:
            if not all(len(part) == 1 or part in natural for part in (left, right)):
                continue
            ends, starts = edge(left, 1), edge(right, 0)
            while len(ends) > 1 or len(starts) > 1:
                across = ranks.get(ends[-1] + starts[-1], never)
                next_left = ranks[ends[-2]] if len(ends) > 1 else never
                next_right = ranks[starts[-2]] if len(starts) > 1 else never
                if across < next_left and across <= next_right:
                    break
                (ends if next_left <= next_right else starts).pop()
            else:
                natural[made] = (left, right)
                break
        if made not in natural:
            raise TokenizerError(
                f"token {made!r}, id {ranks[made]}, is never made by its merge: no merge before "
                "it makes its parts, or others take them first"
            )


# --- Reading a folder ----------------------------------------------------------------------------

_SUPPORTED = (
    "Ruvon reads byte-level BPE: model BPE without prefix, suffix, dropout and byte_fallback; "
    "no normalizer; pre_tokenizer ByteLevel with use_regex and no prefix space, or a Sequence of "
    "Split (Regex, Isolated) and ByteLevel without use_regex; added tokens that are special and "
    "strip nothing; ignore_merges only where every entry is a byte, special or made by a merge"
)
_CHANGES_IDS = ("continuing_subword_prefix", "end_of_word_suffix", "dropout", "byte_fallback")


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read tokenizer.json, which says everything; else vocab.json and merges.txt, as GPT-2 has.

    tokenizer_config.json, if there is one, names the end-of-text token. What would change the
    ids and is not known here is refused. Raises TokenizerError: the file, and what was expected.
    """
    config_path = folder / "tokenizer_config.json"
    config = _read_json(config_path) if config_path.is_file() else {}
    if config.get("add_prefix_space"):
        raise TokenizerError(f"{config_path}: add_prefix_space is not supported. {_SUPPORTED}")

    path, merges_path = folder / "tokenizer.json", folder / "merges.txt"
    if path.is_file():
        vocab, merges, pattern, added = _read_tokenizer_json(path)
        special_tokens = _added_tokens(added, path)
        source = f"{path}"
    elif (folder / "vocab.json").is_file() and merges_path.is_file():
        path, pattern = folder / "vocab.json", GPT2_PATTERN
        vocab = _read_json(path)
        lines = _read_text(merges_path).split("\n")
        merges = [line for line in lines if line and not line.startswith("#version")]
        special_tokens = _added_tokens(config.get("added_tokens_decoder"), config_path)
        source = f"{path} and {merges_path.name}"
    else:
        raise TokenizerError(
            f"{folder} has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt"
        )
    if not all(type(token_id) is int for token_id in vocab.values()):
        raise TokenizerError(f"{path}: expected a vocabulary of tokens with integer ids")

    # Special are the tokens that were added, and those that have a role (eos_token and others).
    roles = {role: _text_of(token) for role, token in config.items() if role.endswith("_token")}
    named = (GPT2_END_OF_TEXT, *roles.values())
    special_tokens |= {name: vocab[name] for name in named if name in vocab}
    default_end = GPT2_END_OF_TEXT if GPT2_END_OF_TEXT in special_tokens else None
    try:
        return Vocabulary.build(
            vocab,
            _pairs(merges),
            special_tokens=special_tokens,
            eos_token=roles.get("eos_token") or default_end,
            pattern=pattern,
        )
    except TokenizerError as error:
        raise TokenizerError(f"{source}: {error}") from error


def _read_tokenizer_json(path: Path) -> tuple[dict[str, int], list[Any], str, Any]:
    """Vocabulary, merges, regex and added tokens, from the `tokenizers` library's format."""
    data = _read_json(path)
    match data.get("model"):
        case {"vocab": dict(vocab), "merges": list(merges), **model}:
            refused = {key: model[key] for key in _CHANGES_IDS if model.get(key)}
            if model.get("type", "BPE") != "BPE":  # files of 2020, GPT-2's own too, have no type
                refused["type"] = model["type"]
        case _:
            raise TokenizerError(f"{path}: expected a model with vocab and merges. {_SUPPORTED}")
    if data.get("normalizer"):
        refused["normalizer"] = data["normalizer"]
    if model.get("ignore_merges"):
        made = {"".join(pair) for pair in _pairs(merges)} | set(_BYTE_OF)
        made |= _added_tokens(data.get("added_tokens"), path).keys()
        if alone := sorted(name for name in vocab if name not in made):
            refused["ignore_merges"] = f"{len(alone)} entries no merge makes, such as {alone[0]!r}"
    pattern = GPT2_PATTERN
    match data.get("pre_tokenizer"):
        case {"type": "ByteLevel", "add_prefix_space": False, **rest} if rest.get("use_regex", 1):
            pass
        case {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": str(own)},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        }:
            pattern = own
        case other:
            refused["pre_tokenizer"] = other
    if refused:
        raise TokenizerError(f"{path}: {json.dumps(refused)} is not supported. {_SUPPORTED}")
    return vocab, merges, pattern, data.get("added_tokens")


def _added_tokens(added: Any, path: Path) -> dict[str, int]:
    """Added tokens and their ids. All of them count as special: text, unless asked for.

    A tokenizer.json has them in a list. A tokenizer_config.json has them in an object, and an id
    is the key, a string.
    """
    if isinstance(added, dict):
        pairs = added.items()
        added = [
            {"id": int(i), **t} if i.isdecimal() and isinstance(t, dict) else t for i, t in pairs
        ]
    tokens: dict[str, int] = {}
    for token in added if isinstance(added, list) else []:
        match token:
            case {"lstrip": True} | {"rstrip": True} | {"single_word": True}:
                raise TokenizerError(f"{path}: added token {token} strips. {_SUPPORTED}")
            case {"special": False}:
                raise TokenizerError(
                    f"{path}: added token {token} is not special, so it is found in every text. "
                    f"{_SUPPORTED}"
                )
            case {"content": str(content), "id": int(token_id)} if content:
                tokens[content] = token_id
            case _:
                raise TokenizerError(f"{path}: expected content and id in added token {token!r}")
    return tokens


def _pairs(merges: list[Any]) -> Iterable[tuple[str, str]]:
    """Merges as pairs, from lines "a b" or from pairs ["a", "b"]."""
    for number, merge in enumerate(merges, start=1):
        match merge.split(" ") if isinstance(merge, str) else merge:
            case [str(left), str(right)]:
                yield left, right
            case _:
                raise TokenizerError(f"merge {number} is {merge!r}, expected two tokens")


def _text_of(token: Any) -> str | None:
    """A token in tokenizer_config.json is a string, or an object with its content."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: expected UTF-8 text: {error}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise TokenizerError(f"{path}: expected JSON, is the file whole? {error}") from error
    if not isinstance(data, dict):
        raise TokenizerError(f"{path}: expected a JSON object, found a {type(data).__name__}")
    return data
