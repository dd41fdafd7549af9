"""Part 1 · Tokenizer: text becomes token ids, and ids become text again.

A model reads integers. Byte-level BPE (Sennrich et al. 2016, section 3.2; over bytes: Radford
et al. 2019, section 2.2) turns any text into integers below `vocab_size` in three steps:

    "Once upon"  ->  "Once", " upon"                   a regex cuts the text into pieces
                 ->  4f 6e 63 65, 20 75 70 6f 6e       a piece is its UTF-8 bytes, so that
                                                       no character is unknown
                 ->  [7454], [2402]                    in a piece, neighbours merge into
                                                       tokens, the best-ranked pair first

Which neighbours merge was learnt before the model was trained: the `Vocabulary` holds it.
The merging itself is tiktoken's work here; `tests/parts/01/test_tokenizer.py` does it by hand.
"""

import codecs
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import tiktoken

from ruvon.vocabulary import GPT2_PATTERN
from ruvon.vocabulary import TokenizerError
from ruvon.vocabulary import Vocabulary
from ruvon.vocabulary import read_vocabulary

__all__ = ["Detokenizer", "Tokenizer", "TokenizerError"]

# For \s+(?!\S) the regex engine notes a way back at every character, and near a million of them
# its stack is full. So a run of whitespace longer than this goes around the regex. The class is
# Unicode's White_Space, which Python's own \s is not: that has four control characters more.
# Looking behind keeps the search linear: a run is tried at its start, not at each character.
LONG_RUN = 32 * 1024
_SPACE = r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_LONG_RUN = re.compile(rf"(?<!{_SPACE}){_SPACE}{{{LONG_RUN + 1},}}")


class Tokenizer:
    """Text to ids and back, for one vocabulary. Nothing in it changes after construction."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Raises TokenizerError if the vocabulary's regex cannot be used."""
        self.vocabulary = vocabulary
        # With these two BPE can be done by hand: what cuts a text into pieces, and the bytes of
        # each token that merging can make, with its id. The lower the id, the sooner it is made.
        self.pattern: str = vocabulary.pattern
        self.ranks: dict[bytes, int] = vocabulary.ranks
        # Tokens that stand for themselves, such as <|endoftext|>, and the one that ends a text.
        self.special_tokens: dict[str, int] = vocabulary.special_tokens
        self.eos_id: int | None = vocabulary.eos_id

        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._bpe = self._encoding(self.pattern)
        # Find out now, not at the first text: a regex that matches nothing at all makes tiktoken
        # panic, which is no Exception.
        try:
            self.encode("".join(map(chr, range(0x250))))
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise TokenizerError(f"the regex {self.pattern!r} matches an empty text") from None

    @classmethod
    def from_dir(cls, path: str | Path) -> "Tokenizer":
        """Read the tokenizer in a model's folder: tokenizer.json, or vocab.json and merges.txt.

        Raises TokenizerError, which names the file and what was expected in it.
        """
        vocabulary = read_vocabulary(Path(path))
        try:
            return cls(vocabulary)
        except TokenizerError as error:
            raise TokenizerError(f"{path}: {error}") from error

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Ids of `text`. Special tokens in it are plain text, unless `special` asks for them.

        So nothing that a user types can end a text. A lone surrogate is no character: it is
        encoded as U+FFFD.
        """
        if not special or not self.special_tokens:
            return self._encode_plain(text)
        ids: list[int] = []
        for part in self._special.split(text):  # it keeps what it splits at
            if part in self.special_tokens:
                ids.append(self.special_tokens[part])
            else:
                ids += self._encode_plain(part)
        return ids

    def _encode_plain(self, text: str) -> list[int]:
        ids: list[int] = []
        start = 0
        for run in _LONG_RUN.finditer(text):
            if self.pattern != GPT2_PATTERN:
                raise TokenizerError(
                    f"a run of {run.end() - run.start():,} whitespace characters; "
                    f"with this tokenizer's own regex {LONG_RUN:,} is the most"
                )
            # As GPT-2's regex cuts it: one piece, but the last character goes with what follows.
            end = run.end() if run.end() == len(text) else run.end() - 1
            ids += self._bpe.encode_ordinary(text[start : run.start()])
            ids += self._bpe_of_a_run.encode_ordinary(text[run.start() : end])
            start = end
        ids += self._bpe.encode_ordinary(text[start:])
        if self.pattern != GPT2_PATTERN:
            # What a regex does not match would be missing from the ids, without a word.
            size = len(text.encode("utf-8", errors="surrogatepass"))
            if sum(len(self.vocabulary.tokens[token]) for token in ids) != size:
                raise TokenizerError(f"the regex {self.pattern!r} does not match all of a text")
        return ids

    @cached_property
    def _bpe_of_a_run(self) -> tiktoken.Encoding:
        return self._encoding(r"\s+")  # without a look ahead there is no way back to note

    def _encoding(self, pattern: str) -> tiktoken.Encoding:
        try:
            return tiktoken.Encoding(
                "ruvon", pat_str=pattern, mergeable_ranks=self.ranks, special_tokens={}
            )
        except ValueError as error:
            raise TokenizerError(f"the regex {pattern!r} does not compile: {error}") from error

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids`, special tokens included. Bytes that are not UTF-8 become U+FFFD.

        One character may be spread over several tokens: for a stream, use `Detokenizer`.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Bytes of `ids`, laid end to end: exact where `decode` has to be text."""
        return b"".join(map(self.token_bytes, ids))

    def token_bytes(self, token_id: int) -> bytes:
        """Bytes of one token: often a word, sometimes a third of a Chinese character."""
        if not 0 <= token_id < self.vocab_size:
            raise TokenizerError(
                f"token id {token_id} is out of range: "
                f"this vocabulary has {self.vocab_size:,} entries, 0 to {self.vocab_size - 1}"
            )
        return self.vocabulary.tokens[token_id]

    @property
    def vocab_size(self) -> int:
        """Number of ids, special tokens included. They are 0 to `vocab_size - 1`."""
        return len(self.vocabulary.tokens)

    def __len__(self) -> int:
        return self.vocab_size


class Detokenizer:
    """Turns a stream of ids into text as they come, never half a character.

    All that `push` and `flush` return, joined, is `Tokenizer.decode` of all the ids.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        """Text that this token makes certain: most often its own, at times none yet."""
        return self._utf8.decode(self._tokenizer.token_bytes(token_id))

    def flush(self) -> str:
        """End the stream: a character that was never completed becomes U+FFFD."""
        return self._utf8.decode(b"", final=True)
