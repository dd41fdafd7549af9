"""Part 00 · A symbol of a module: found, shown, replaced by a hole, or put in.

All of it works on lines that `ast` finds, so that everything else in a learner's file stays as it
is, to the letter.
"""

import ast
import textwrap
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from ruvon.errors import RuvonError

HOLE = "write this body"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class SourceError(RuvonError):
    """A module that is no Python, or that lacks a symbol. `line` is where it is broken."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str) -> ast.Module:
    """The syntax tree of a module. Raises SourceError with the line."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        said = error.msg.rstrip(".?")
        raise SourceError(f"line {error.lineno} is no Python: {said}", error.lineno) from None


def find_symbol(text: str, symbol: str) -> ast.stmt:
    """The statement that defines a symbol. Raises SourceError with the names that there are."""
    body: Sequence[ast.stmt] = parse(text).body
    node: ast.stmt | None = None
    for name in symbol.split("."):
        named = {n: statement for statement in body for n in _names(statement)}
        if name not in named:
            raise SourceError(f"there is no `{name}` among {', '.join(named) or 'no names'}")
        node = named[name]
        body = getattr(node, "body", [])
    assert node is not None
    return node


def symbols(body: Sequence[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """The names that a module defines at its top level and in its classes, as `Class.method`."""
    for statement in body:
        for name in _names(statement):
            yield within + name, statement
            if isinstance(statement, ast.ClassDef):
                yield from symbols(statement.body, f"{within}{name}.")


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def symbol_lines(text: str, symbol: str) -> list[str]:
    """The lines of `function`, `Class`, `Class.method` or an assigned name, dedented.

    Raises SourceError with the names that there are.
    """
    start, end = span(find_symbol(text, symbol))
    return textwrap.dedent("\n".join(text.split("\n")[start:end])).splitlines()


def find(text: str, symbol: str) -> Definition:
    """The definition of `function`, `Class` or `Class.method` in a learner's file.

    Raises SourceError, in words for a learner.
    """
    parse(text)
    node: ast.stmt | None = None
    with suppress(SourceError):
        node = find_symbol(text, symbol)
    if not isinstance(node, Definition):
        raise SourceError(f"`{symbol}` is not defined there any more; it has to keep its name")
    return node


def span(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, as a slice: decorators and all."""
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in above)])
    assert node.end_lineno is not None
    return first - 1, node.end_lineno


def lines_of(text: str, symbol: str) -> list[str]:
    """The lines of a definition, as they are indented."""
    start, end = span(find(text, symbol))
    return text.split("\n")[start:end]


def excerpt(text: str, symbols: Sequence[str]) -> str:
    """The definitions alone: functions, and methods under the name of their class."""
    pieces = []
    for owner, group in groupby(symbols, key=lambda symbol: symbol.rpartition(".")[0]):
        blocks = ["\n".join(lines_of(text, symbol)) for symbol in group]
        between = "\n\n" if owner else "\n\n\n"
        pieces.append((f"class {owner}:\n" if owner else "") + between.join(blocks))
    return "\n\n\n".join(pieces) + "\n"


def put(text: str, symbols: Sequence[str], answer: str) -> str:
    """`text` with the definitions of `symbols` as `answer` has them. Raises SourceError."""
    for symbol in symbols:
        start, end = span(find(text, symbol))
        lines = text.split("\n")
        lines[start:end] = indented(lines_of(answer, symbol), margin(lines[start]))
        text = "\n".join(lines)
    return text


def indented(lines: list[str], wanted: int) -> list[str]:
    """A definition with its first line `wanted` blanks from the left."""
    if margin(lines[0]) == wanted:  # a text over several lines stays as it is
        return lines
    return textwrap.indent(textwrap.dedent("\n".join(lines)), " " * wanted).split("\n")


def margin(line: str) -> int:
    """The number of blanks that a line begins with."""
    return len(line) - len(line.lstrip(" "))


def with_holes(text: str, symbols: Sequence[str], whose: str) -> str:
    """`text` with the bodies of `symbols` gone: signature and docstring stay."""
    for symbol in symbols:
        node = find(text, symbol)
        assert not isinstance(node, ast.ClassDef), "a hole is the body of a function"
        assert ast.get_docstring(node), "what the body has to do stands in the docstring"
        documented = node.body[0].end_lineno
        lines = text.split("\n")
        hole = f'{" " * node.body[0].col_offset}raise NotImplementedError("{whose}: {HOLE}")'
        lines[documented : node.end_lineno] = [hole]
        text = "\n".join(lines)
    return text


def hole_line(text: str, symbol: str) -> int:
    """The line on which the work begins: the first after the docstring."""
    body = find(text, symbol).body
    return body[min(1, len(body) - 1)].lineno
