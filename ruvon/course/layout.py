"""Part 00 · How a source is laid out: which lines belong to which statement and bracket entry.

`ast` knows what belongs together, `tokenize` knows where the lines end, where the comments stand
and where a bracket opens. Tags (`tags.py`) need both.
"""

import ast
import io
import keyword
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

Position = tuple[int, int]  # (line from 1, column in characters)
Placed = ast.stmt | ast.expr | ast.keyword | ast.arg  # what carries its place in the source

_SKIPPED = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Statement:
    """A statement: its lines, and the lines on which a tag of its own may stand."""

    first: int  # the line of the first decorator, where there is one
    last: int  # the last line of its body, and of the comments that end the body
    column: int
    claims: frozenset[int]  # the first and the last line; of a compound statement, of its header
    alone: bool  # nothing else stands on its first and its last line
    docstring: bool


@dataclass(frozen=True)
class Entry:
    """An entry of a bracket: an argument, a parameter, an element, a key with its value."""

    first: int
    last: int
    column: int
    alone: bool  # nothing else stands on its lines, apart from its comma


@dataclass(frozen=True)
class Bracket:
    """A bracket that spans lines, with the entries between its commas."""

    line: int
    kind: str  # call, parameters, bases, list, set, dict, tuple, subscript
    fixed: str  # why its entries cannot be tagged; empty when they can
    entries: tuple[Entry, ...]
    trailing_comma: bool


@dataclass(frozen=True)
class Body:
    """Statements that belong to a header: at least one of them has to be there."""

    line: int  # of the header
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Comment:
    """A comment, and whether it has the line to itself."""

    line: int
    column: int
    text: str
    own_line: bool


class Layout:
    """The statements, brackets, bodies and comments of a source.

    Raises SyntaxError for a source that does not parse.
    """

    def __init__(self, source: str) -> None:
        """Read `source`."""
        self.lines = source.split("\n")
        self.comments: list[Comment] = []
        self.statements: list[Statement] = []
        self.brackets: list[Bracket] = []
        self.bodies: list[Body] = []
        self.opening: dict[
            int, str
        ] = {}  # lines that end a header; "def", "class" or something else
        self.leading: set[int] = set()  # lines that end the docstring or a top-level import
        self.definitions: set[int] = set()  # first lines of `def` and `class`
        self.codes: set[int] = set()  # lines that hold code
        self._read_tokens(source)
        tree = ast.parse(source)
        self._read_brackets(tree)
        self._read_body(tree, 0, top=True)

    def keyword(self, line: int) -> str:
        """The first word of the logical line that `line` is in."""
        index = self._first_on_line[line]
        return self._tokens[self._logical_start[index]].string

    # Tokens

    def _read_tokens(self, source: str) -> None:
        self._tokens: list[tokenize.TokenInfo] = []
        self._logical_start: list[
            int
        ] = []  # for each token, the token its logical line starts with
        self._newline_row: dict[int, int] = {}  # by that start: the row where the logical line ends
        start = 0
        for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                own_line = not self.lines[line - 1][:column].strip()
                self.comments.append(Comment(line, column, token.string, own_line))
            elif token.type == tokenize.NEWLINE:
                self._newline_row[start] = token.start[0]
                if self._tokens[-1].string == ":":
                    words = [t.string for t in self._tokens[start : start + 2]]
                    self.opening[token.start[0]] = "def" if "def" in words else words[0]
                start = len(self._tokens)
            elif token.type not in _SKIPPED:
                self._tokens.append(token)
                self._logical_start.append(start)
        self._at = {token.start: index for index, token in enumerate(self._tokens)}
        self._until = {token.end: index for index, token in enumerate(self._tokens)}
        self._first_on_line: dict[int, int] = {}
        self._last_on_line: dict[int, int] = {}
        for index, token in enumerate(self._tokens):
            for line in range(token.start[0], token.end[0] + 1):
                self._first_on_line.setdefault(line, index)
                self._last_on_line[line] = index
                self.codes.add(line)
        self._match: dict[int, int] = {}
        opened: list[int] = []
        for index, token in enumerate(self._tokens):
            if token.type == tokenize.OP and token.string in "([{":
                opened.append(index)
            elif token.type == tokenize.OP and token.string in ")]}":
                other = opened.pop()
                self._match[index], self._match[other] = other, index

    def _position(self, line: int, offset: int) -> Position:
        """The position in characters; `ast` counts in bytes of UTF-8."""
        text = self.lines[line - 1]
        return (line, offset if text.isascii() else len(text.encode()[:offset].decode()))

    def _token_at(self, node: Placed) -> int:
        return self._at[self._position(node.lineno, node.col_offset)]

    def _token_until(self, node: Placed) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._until[self._position(node.end_lineno, node.end_col_offset)]

    # Statements

    def _read_body(self, owner: ast.AST, line: int, top: bool = False) -> None:
        """Read the bodies of `owner`, whose header stands at `line`, and all that is in them."""
        for name in ("body", "orelse", "finalbody"):
            nodes = getattr(owner, name, None)
            if not isinstance(nodes, list) or not nodes:
                continue
            if name == "orelse" and self._is_elif(owner, nodes):
                self._read_body(nodes[0], nodes[0].lineno)
                continue
            documented = name == "body" and isinstance(
                owner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            )
            found = []
            for index, node in enumerate(nodes):
                docstring = documented and index == 0 and _is_text(node)
                statement = self._statement(node, docstring)
                found.append(statement)
                if top and (docstring or isinstance(node, ast.Import | ast.ImportFrom)):
                    self.leading.add(statement.last)
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    self.definitions.add(statement.first)
                self._read_body(node, statement.first)
            self.statements += found
            self.bodies.append(Body(line, tuple(found)))
        for name in ("handlers", "cases"):
            for part in getattr(owner, name, []):
                self._read_body(part, getattr(part, "lineno", line))

    def _is_elif(self, owner: ast.AST, nodes: list[ast.stmt]) -> bool:
        return (
            isinstance(owner, ast.If)
            and isinstance(nodes[0], ast.If)
            and self._tokens[self._token_at(nodes[0])].string == "elif"
        )

    def _statement(self, node: ast.stmt, docstring: bool) -> Statement:
        start, end = self._token_at(node), self._token_until(node)
        header = self._logical_start[start]
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            start = self._token_at(decorators[0])
            while self._tokens[start].string != "@":
                start -= 1
        first, last = self._tokens[start].start[0], self._tokens[end].end[0]
        alone = self._first_on_line[first] == start and self._last_on_line[last] == end
        if hasattr(node, "body") or isinstance(node, ast.Match):
            claims = {node.lineno, self._newline_row[header]}
            last = self._with_last_comments(last, node.col_offset)
        else:
            claims = {first, last, self._last_content(end)}
        return Statement(first, last, node.col_offset, frozenset(claims), alone, docstring)

    def _last_content(self, end: int) -> int:
        """The line before the closing parenthesis, when all that stands in it is that one line.

        The formatter puts a long text, and the comment behind it, between parentheses.
        """
        line = self._tokens[end].end[0]
        opened = self._match.get(end)
        if opened is None or self._tokens[end].string != ")" or self._first_on_line[line] != end:
            return line
        before, inside = self._tokens[opened - 1], self._tokens[opened + 1 : end]
        grouping = before.type == tokenize.OP and before.string not in (")", "]")
        grouping = grouping or keyword.iskeyword(before.string)
        rows = {row for token in inside for row in (token.start[0], token.end[0])}
        return line - 1 if grouping and rows == {line - 1} else line

    def _with_last_comments(self, last: int, column: int) -> int:
        """The line of the last comment that stands below `last` and deeper than `column`."""
        for line in range(last + 1, len(self.lines) + 1):
            text = self.lines[line - 1].strip()
            if not text:
                continue
            depth = len(self.lines[line - 1]) - len(self.lines[line - 1].lstrip())
            if not text.startswith("#") or depth <= column:
                break
            last = line
        return last

    # Brackets

    def _read_brackets(self, tree: ast.AST) -> None:
        for node, parent in _walk(tree):
            found = self._bracket(node)
            if found is None:
                continue
            opened, kind, spans = found
            line, closed = self._tokens[opened].start[0], self._match[opened]
            if line == self._tokens[closed].end[0] or not spans:
                continue
            if kind == "parameters":
                spans = self._with_separators(opened, spans)
            entries = tuple(self._entry(*span) for span in spans)
            comma = self._tokens[spans[-1][1] + 1].string == ","
            self.brackets.append(Bracket(line, kind, _fixed(node, parent), entries, comma))

    def _bracket(self, node: ast.AST) -> tuple[int, str, list[tuple[int, int]]] | None:
        """The opening token of the bracket that `node` owns, its kind, and its entries' tokens."""
        parts: list[tuple[Placed, Placed]]
        if isinstance(node, ast.Call):
            opened, kind = self._match[self._token_until(node)], "call"
            parts = [*((a, a) for a in node.args), *((k, k) for k in node.keywords)]
            parts.sort(key=lambda pair: (pair[0].lineno, pair[0].col_offset))
            if parts and self._token_at(parts[0][0]) == opened:
                return None  # a lone generator: its brackets are the call's
        elif isinstance(node, ast.List | ast.Set):
            opened, kind = self._token_at(node), type(node).__name__.lower()
            parts = [(n, n) for n in node.elts]
        elif isinstance(node, ast.Dict):
            opened, kind = self._token_at(node), "dict"
            parts = [(k or v, v) for k, v in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.Tuple):
            opened, kind = self._token_at(node), "tuple"
            if self._match.get(opened) != self._token_until(node):
                return None  # without brackets of its own
            parts = [(n, n) for n in node.elts]
        elif isinstance(node, ast.Subscript):
            opened, kind = self._match[self._token_until(node)], "subscript"
            inner: list[ast.expr] = [node.slice]
            if (isinstance(node.slice, ast.Tuple) and self._token_at(node.slice) != opened + 1) or (
                isinstance(node.slice, ast.Tuple) and self._bracket(node.slice) is None
            ):
                inner = node.slice.elts
            parts = [(n, n) for n in inner]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            opened, kind = self._definition_bracket(node), "parameters"
            parts = list(_parameters(node.args))
        elif isinstance(node, ast.ClassDef) and (node.bases or node.keywords):
            opened, kind = self._definition_bracket(node), "bases"
            parts = [*((b, b) for b in node.bases), *((k, k) for k in node.keywords)]
        else:
            return None
        closed = self._match[opened]
        return opened, kind, [self._span(opened, closed, *part) for part in parts]

    def _definition_bracket(self, node: ast.stmt) -> int:
        """The bracket after a function's or a class's name (and its type parameters)."""
        index = self._token_at(node)
        while self._tokens[index].string != "(":
            index = self._match[index] + 1 if self._tokens[index].string == "[" else index + 1
        return index

    def _span(self, opened: int, closed: int, first: Placed, last: Placed) -> tuple[int, int]:
        """The tokens of an entry, with its own parentheses and stars."""
        start, end = self._token_at(first), self._token_until(last)
        while start - 1 > opened and self._tokens[start - 1].string in ("(", "*", "**"):
            start -= 1
        while end + 1 < closed and self._tokens[end + 1].string == ")":
            end += 1
        return start, end

    def _with_separators(self, opened: int, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The parameters, with a bare `*` or `/` between them as entries too."""
        edges = [(opened, opened), *spans, (self._match[opened], self._match[opened])]
        bare = [
            (index, index)
            for (_, before), (after, _) in pairwise(edges)
            for index in range(before + 1, after)
            if self._tokens[index].string in ("*", "/")
        ]
        return sorted(spans + bare)

    def _entry(self, start: int, end: int) -> Entry:
        (first, column), last = self._tokens[start].start, self._tokens[end].end[0]
        if self._tokens[end + 1].string == ",":
            end += 1
        alone = self._first_on_line[first] == start and self._last_on_line[last] == end
        return Entry(first, last, column, alone)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Every node with its parent; not into f-strings, whose insides Python 3.11 misplaces."""
    stack: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while stack:
        node, parent = stack.pop()
        yield node, parent
        if type(node).__name__ not in ("JoinedStr", "TemplateStr"):
            stack += [(child, node) for child in ast.iter_child_nodes(node)]


def _parameters(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.arg | ast.expr]]:
    """Each parameter with the node that ends it: its default value, or itself."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    for arg, default in zip(positional, [*required, *arguments.defaults], strict=True):
        yield arg, default or arg
    if arguments.vararg:
        yield arguments.vararg, arguments.vararg
    for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield arg, value or arg
    if arguments.kwarg:
        yield arguments.kwarg, arguments.kwarg


def _fixed(node: ast.AST, parent: ast.AST | None) -> str:
    """Why the entries of this bracket cannot come and go."""
    if not isinstance(node, ast.Tuple | ast.List):
        return ""
    if not isinstance(node.ctx, ast.Load):
        return "an element of an assignment's target"
    if isinstance(node, ast.Tuple) and isinstance(parent, ast.Return | ast.Yield | ast.Lambda):
        return "an element of a returned tuple"
    return ""
