"""Part 00 · The tokens of a source, and where each line's code begins and ends."""

import ast
import io
import tokenize
from dataclasses import dataclass

Position = tuple[int, int]  # (line from 1, column in characters)
Placed = ast.stmt | ast.expr | ast.keyword | ast.arg  # what carries its place in the source

_SKIPPED = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Comment:
    """A comment, and whether it has the line to itself."""

    line: int
    column: int
    text: str
    own_line: bool


class Tokens:
    """The tokens that are code, by index, with the comments set aside."""

    def __init__(self, source: str) -> None:
        """Read `source`, which has to be Python."""
        self.lines = source.split("\n")
        self.comments: list[Comment] = []
        self._tokens: list[tokenize.TokenInfo] = []
        # For each token, the token that its logical line starts with; by that, where it ends.
        self._logical_start: list[int] = []
        self._logical_end: dict[int, int] = {}
        # Lines that end a header, with "def" or the first word of the header.
        self.opening: dict[int, str] = {}
        self._read(source)
        self._at = {token.start: index for index, token in enumerate(self._tokens)}
        self._until = {token.end: index for index, token in enumerate(self._tokens)}
        self.first_on_line: dict[int, int] = {}
        self.last_on_line: dict[int, int] = {}
        # The other bracket of a pair.
        self.match: dict[int, int] = {}
        self._pair()

    def _read(self, source: str) -> None:
        start = 0
        for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                own_line = not self.lines[line - 1][:column].strip()
                self.comments.append(Comment(line, column, token.string, own_line))
            elif token.type == tokenize.NEWLINE:
                self._logical_end[start] = token.start[0]
                if self._tokens[-1].string == ":":
                    words = [t.string for t in self._tokens[start : start + 2]]
                    self.opening[token.start[0]] = "def" if "def" in words else words[0]
                start = len(self._tokens)
            elif token.type not in _SKIPPED:
                self._tokens.append(token)
                self._logical_start.append(start)

    def _pair(self) -> None:
        opened: list[int] = []
        for index, token in enumerate(self._tokens):
            for line in range(token.start[0], token.end[0] + 1):
                self.first_on_line.setdefault(line, index)
                self.last_on_line[line] = index
            if token.type == tokenize.OP and token.string in "([{":
                opened.append(index)
            elif token.type == tokenize.OP and token.string in ")]}":
                other = opened.pop()
                self.match[index], self.match[other] = other, index

    def __getitem__(self, index: int) -> tokenize.TokenInfo:
        return self._tokens[index]

    def text(self, index: int) -> str:
        """What the token says."""
        return self._tokens[index].string

    def at(self, node: Placed) -> int:
        """The first token of `node`."""
        return self._at[self._position(node.lineno, node.col_offset)]

    def until(self, node: Placed) -> int:
        """The last token of `node`."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._until[self._position(node.end_lineno, node.end_col_offset)]

    def _position(self, line: int, offset: int) -> Position:
        """The position in characters; `ast` counts in bytes of UTF-8."""
        text = self.lines[line - 1]
        return (line, offset if text.isascii() else len(text.encode()[:offset].decode()))

    def alone(self, start: int, end: int) -> bool:
        """Whether nothing else stands on the first line of `start` and the last line of `end`."""
        first, last = self._tokens[start].start[0], self._tokens[end].end[0]
        return self.first_on_line[first] == start and self.last_on_line[last] == end

    def header_end(self, index: int) -> int:
        """The last line of the logical line that the token is in."""
        return self._logical_end[self._logical_start[index]]

    def first_word(self, line: int) -> str:
        """The first word of the logical line that `line` is in."""
        return self.text(self._logical_start[self.first_on_line[line]])
