"""Part 00 · A symbol of a module: taken out, replaced by a hole, or put in.

All of it works on lines that `ast` finds, so that everything else in a learner's file stays as it
is, to the letter.
"""

import ast
import textwrap
from collections.abc import Sequence
from itertools import groupby

from ruvon.errors import RuvonError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class SourceError(RuvonError):
    """A module that is no Python, or that lacks a symbol."""


def parse(text: str) -> ast.Module:
    """The syntax tree of a module. Raises SourceError with the line."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise SourceError(f"line {error.lineno} is no Python: {error.msg}") from None


def find(text: str, symbol: str) -> Definition:
    """The definition of `function`, `Class` or `Class.method`. Raises SourceError."""
    body: Sequence[ast.stmt] = parse(text).body
    found: Definition | None = None
    for name in symbol.split("."):
        found = next((s for s in body if isinstance(s, Definition) and s.name == name), None)
        if found is None:
            raise SourceError(f"`{symbol}` is not there any more; it has to keep its name")
        body = found.body
    assert found is not None
    return found


def span(node: Definition) -> tuple[int, int]:
    """The lines of a definition, as a slice: decorators and all."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    assert node.end_lineno is not None
    return first - 1, node.end_lineno


def lines_of(text: str, symbol: str) -> list[str]:
    """The lines of a definition, as they are indented."""
    start, end = span(find(text, symbol))
    return text.splitlines()[start:end]


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
        lines = text.splitlines()
        indent = len(lines[start]) - len(lines[start].lstrip())
        new = textwrap.dedent("\n".join(lines_of(answer, symbol)))
        lines[start:end] = textwrap.indent(new, " " * indent).splitlines()
        text = "\n".join(lines) + "\n"
    return text


def with_holes(text: str, symbols: Sequence[str], whose: str) -> str:
    """`text` with the bodies of `symbols` gone: signature and docstring stay."""
    for symbol in symbols:
        node = find(text, symbol)
        assert not isinstance(node, ast.ClassDef), "a hole is the body of a function"
        lines = text.splitlines()
        kept = 1 if ast.get_docstring(node) else 0
        first = node.body[kept].lineno - 1
        # Comments above the first statement belong to the solution.
        above = node.body[kept - 1].end_lineno if kept else header_end(node)
        assert above is not None and node.end_lineno is not None
        indent = " " * node.body[kept].col_offset
        hole = f'{indent}raise NotImplementedError("{whose}: write this body")'
        lines[min(above, first) : node.end_lineno] = [hole]
        text = "\n".join(lines) + "\n"
    return text


def header_end(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The last line before the first statement of a body without a docstring."""
    return node.body[0].lineno - 1


def hole_line(text: str, symbol: str) -> int:
    """The line on which the work begins: the last of the definition's first statement."""
    node = find(text, symbol)
    return node.body[-1].lineno if len(node.body) <= 2 else node.lineno
