"""Part 00 · How a source is laid out: which lines belong to which statement and bracket entry.

`ast` knows what belongs together, `tokenize` knows where the lines end, where the comments stand
and where a bracket opens. Tags (`tags.py`) need both.
"""

import ast
import keyword
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from itertools import pairwise

from ruvon.course.tokens import Placed
from ruvon.course.tokens import Tokens


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


class Layout:
    """The statements, brackets, bodies and comments of a source.

    Raises SyntaxError for a source that does not parse.
    """

    def __init__(self, source: str) -> None:
        """Read `source`."""
        tree = ast.parse(source)
        self.tokens = Tokens(source)
        self.statements: list[Statement] = []
        self.brackets: list[Bracket] = []
        self.bodies: list[Body] = []
        # Lines that end the docstring or a top-level import; first lines of `def` and `class`.
        self.leading: set[int] = set()
        self.definitions: set[int] = set()
        self._read_brackets(tree)
        self._read_body(tree, 0, top=True)

    # Statements

    def _read_body(self, owner: ast.AST, line: int, top: bool = False) -> None:
        """Read the bodies of `owner`, whose header stands at `line`, and all that is in them."""
        for name in ("body", "orelse", "finalbody"):
            nodes = getattr(owner, name, None)
            if not isinstance(nodes, list) or not nodes:
                continue
            documented = name == "body" and isinstance(
                owner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            )
            found = []
            for index, node in enumerate(nodes):
                docstring = documented and index == 0 and _is_text(node)
                statement = self._statement(node, docstring)
                if self._is_stub(owner, node):
                    statement = replace(statement, claims=frozenset())
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

    def _is_stub(self, owner: ast.AST, node: ast.stmt) -> bool:
        """Whether `node` is the dots of `def f(): ...`, where a tag can only mean the `def`."""
        return (
            isinstance(owner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.unparse(node) == "..."
            and node.lineno == self.tokens.header_end(self.tokens.at(owner))
        )

    def _statement(self, node: ast.stmt, docstring: bool) -> Statement:
        start, end = self.tokens.at(node), self.tokens.until(node)
        keyword = start
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            start = self.tokens.at(decorators[0])
            while self.tokens.text(start) != "@":
                start -= 1
        first, last = self.tokens[start].start[0], self.tokens[end].end[0]
        alone = self.tokens.alone(start, end)
        if hasattr(node, "body") or isinstance(node, ast.Match):
            claims = {node.lineno, self.tokens.header_end(keyword)}
            last = self._with_last_comments(last, node.col_offset)
        else:
            claims = {first, last, self._last_content(end)}
        return Statement(first, last, node.col_offset, frozenset(claims), alone, docstring)

    def _last_content(self, end: int) -> int:
        """The line before the closing parenthesis, when all that stands in it is that one line.

        The formatter puts a long text, and the comment behind it, between parentheses.
        """
        line = self.tokens[end].end[0]
        opened = self.tokens.match.get(end)
        if opened is None or self.tokens.text(end) != ")" or self.tokens.first_on_line[line] != end:
            return line
        before = self.tokens[opened - 1]
        inside = [self.tokens[index] for index in range(opened + 1, end)]
        grouping = before.type == tokenize.OP and before.string not in (")", "]")
        grouping = grouping or keyword.iskeyword(before.string)
        rows = {row for token in inside for row in (token.start[0], token.end[0])}
        return line - 1 if grouping and rows == {line - 1} else line

    def _with_last_comments(self, last: int, column: int) -> int:
        """The line of the last comment that stands below `last` and deeper than `column`."""
        for line, text in enumerate(self.tokens.lines[last:], last + 1):
            if not text.strip():
                continue
            depth = len(text) - len(text.lstrip())
            if text[depth] != "#" or depth <= column:
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
            line, closed = self.tokens[opened].start[0], self.tokens.match[opened]
            if line == self.tokens[closed].end[0] or not spans:
                continue
            if kind == "parameters":
                spans = self._with_separators(opened, spans)
            entries = tuple(self._entry(*span) for span in spans)
            comma = self.tokens.text(spans[-1][1] + 1) == ","
            self.brackets.append(Bracket(line, kind, _fixed(node, parent), entries, comma))

    def _bracket(self, node: ast.AST) -> tuple[int, str, list[tuple[int, int]]] | None:
        """The opening token of the bracket that `node` owns, its kind, and its entries' tokens."""
        parts: list[tuple[Placed, Placed]]
        if isinstance(node, ast.Call):
            opened, kind = self.tokens.match[self.tokens.until(node)], "call"
            parts = [*((a, a) for a in node.args), *((k, k) for k in node.keywords)]
            parts.sort(key=lambda pair: (pair[0].lineno, pair[0].col_offset))
            if parts and self.tokens.at(parts[0][0]) == opened:
                return None  # a lone generator: its brackets are the call's
        elif isinstance(node, ast.List | ast.Set):
            opened, kind = self.tokens.at(node), type(node).__name__.lower()
            parts = [(n, n) for n in node.elts]
        elif isinstance(node, ast.Dict):
            opened, kind = self.tokens.at(node), "dict"
            parts = [(k or v, v) for k, v in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.Tuple):
            opened, kind = self.tokens.at(node), "tuple"
            if self.tokens.match.get(opened) != self.tokens.until(node):
                return None  # without brackets of its own
            parts = [(n, n) for n in node.elts]
        elif isinstance(node, ast.Subscript):
            opened, kind = self.tokens.match[self.tokens.until(node)], "subscript"
            inner: list[ast.expr] = [node.slice]
            if (isinstance(node.slice, ast.Tuple) and self.tokens.at(node.slice) != opened + 1) or (
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
        closed = self.tokens.match[opened]
        return opened, kind, [self._span(opened, closed, *part) for part in parts]

    def _definition_bracket(self, node: ast.stmt) -> int:
        """The bracket after a function's or a class's name (and its type parameters)."""
        index = self.tokens.at(node)
        while self.tokens.text(index) != "(":
            index = self.tokens.match[index] + 1 if self.tokens.text(index) == "[" else index + 1
        return index

    def _span(self, opened: int, closed: int, first: Placed, last: Placed) -> tuple[int, int]:
        """The tokens of an entry, with its own parentheses and stars."""
        start, end = self.tokens.at(first), self.tokens.until(last)
        while start - 1 > opened and self.tokens.text(start - 1) in ("(", "*", "**"):
            start -= 1
        while end + 1 < closed and self.tokens.text(end + 1) == ")":
            end += 1
        return start, end

    def _with_separators(self, opened: int, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The parameters, with a bare `*` or `/` between them as entries too."""
        edges = [(opened, opened), *spans, (self.tokens.match[opened], self.tokens.match[opened])]
        bare = [
            (index, index)
            for (_, before), (after, _) in pairwise(edges)
            for index in range(before + 1, after)
            if self.tokens.text(index) in ("*", "/")
        ]
        return sorted(spans + bare)

    def _entry(self, start: int, end: int) -> Entry:
        (first, column), last = self.tokens[start].start, self.tokens[end].end[0]
        if self.tokens.text(end + 1) == ",":
            end += 1
        alone = self.tokens.alone(start, end)
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
