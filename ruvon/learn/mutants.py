"""Part 00 · Small faults planted in a solution, one at a time: the checks should find them."""

import ast
import copy
import tomllib
from collections.abc import Callable
from collections.abc import Iterator
from itertools import count

from ruvon.course.expected import to_toml

OPPOSITE: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
# On a CPU it makes no difference where a tensor is asked to be; nor does a zip that is strict, if
# what it joins is as long as it should be.
NO_DIFFERENCE = ("device", "strict")


class Mutator(ast.NodeTransformer):
    """Makes the `wanted`-th change it comes by, and counts them all. Texts are left alone."""

    def __init__(self, wanted: int, asserts: bool) -> None:
        self.left = wanted
        self.asserts = asserts
        self.what = ""

    def now(self, what: str, node: ast.AST) -> bool:
        """Whether this is the change to make."""
        self.left -= 1
        if self.left == -1:
            self.what = f"line {getattr(node, 'lineno', '?')}: {what}"
        return self.left == -1

    def visit(self, node: ast.AST) -> ast.AST:
        """Change this node, or go on inside of it."""
        if isinstance(node, ast.JoinedStr | ast.arguments):
            return node
        if isinstance(node, ast.Assert) and not self.asserts:
            return node
        change: Callable[[ast.AST], ast.AST] = getattr(
            self, f"change_{type(node).__name__}", lambda node: node
        )
        changed = change(node)
        return changed if self.left < 0 else self.generic_visit(changed)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Leave statements out, one at a time, and go on inside."""
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if not isinstance(block, list) or isinstance(node, ast.ClassDef | ast.Module):
                continue
            for index, statement in enumerate(block):
                if isinstance(statement, ast.Pass) or is_text(statement):
                    continue
                if isinstance(statement, ast.Assert) and not self.asserts:
                    continue
                if self.now(f"without `{ast.unparse(statement).splitlines()[0]}`", statement):
                    block[index] = ast.copy_location(ast.Pass(), statement)
                    return node
        return super().generic_visit(node)

    def change_Compare(self, node: ast.Compare) -> ast.AST:
        """Turn a comparison."""
        for index, old in enumerate(node.ops):
            new = OPPOSITE[type(old)]
            if self.now(f"{type(old).__name__} becomes {new.__name__}", node):
                node.ops[index] = new()
        return node

    def change_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Take another operator."""
        new = OPPOSITE.get(type(node.op))
        if new and self.now(f"{type(node.op).__name__} becomes {new.__name__}", node):
            node.op = new()
        return node

    change_AugAssign = change_BinOp
    change_BoolOp = change_BinOp

    def change_Constant(self, node: ast.Constant) -> ast.AST:
        """Be off by one, or say the opposite."""
        if isinstance(node.value, bool):
            if self.now(f"{node.value} turned over", node):
                node.value = not node.value
        elif isinstance(node.value, int):
            for step in (1, -1):
                if self.now(f"{node.value} becomes {node.value + step}", node):
                    node.value += step
                    break
        return node

    def change_Return(self, node: ast.Return) -> ast.AST:
        """Forget the value."""
        if node.value and self.now("nothing is returned", node):
            node.value = None
        return node

    def change_If(self, node: ast.If) -> ast.AST:
        """Do it in the other case."""
        if self.now("the condition turned over", node):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    change_IfExp = change_If

    def change_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Forget the sign."""
        if isinstance(node.op, ast.USub | ast.Not) and self.now("without its sign", node):
            return node.operand
        return node

    def change_Slice(self, node: ast.Slice) -> ast.AST:
        """Take all from one end."""
        for side in ("lower", "upper"):
            if getattr(node, side) and self.now(f"the slice loses its {side} bound", node):
                setattr(node, side, None)
        return node

    def change_Call(self, node: ast.Call) -> ast.AST:
        """Forget an argument, or confuse two."""
        for index, keyword in enumerate(node.keywords):
            if keyword.arg in NO_DIFFERENCE:
                continue
            if self.now(f"the call loses {keyword.arg}=", node):
                del node.keywords[index]
                return node
        if len(node.args) > 1 and self.now("the first two arguments change places", node):
            node.args[:2] = node.args[1::-1]
        return node


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def mutants(text: str, asserts: bool) -> Iterator[tuple[str, str]]:
    """What was changed, and the changed source; `asserts` is whether these matter."""
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    for wanted in count():
        mutator = Mutator(wanted, asserts)
        changed = ast.unparse(ast.fix_missing_locations(mutator.visit(copy.deepcopy(tree))))
        if not mutator.what:
            return
        if changed not in seen:
            seen.add(changed)
            yield mutator.what, changed


def wrong_answers(text: str) -> Iterator[tuple[str, str]]:
    """Each answer of a TOML file changed in turn, in a few ways."""
    right = tomllib.loads(text)
    for key, value in right.items():
        for other in nearby(value):
            lines = [f"{k} = {to_toml(k, other if k == key else v)}" for k, v in right.items()]
            yield f"{key} = {other!r}", "\n".join(lines) + "\n"


def nearby(value: object) -> Iterator[object]:
    """Values that are not `value`."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 2 or 7, value + 1000)
    elif isinstance(value, str):
        yield from (value + "x", "")
    elif isinstance(value, list):
        yield from (value[1:], value[:-1], [*value, *value[-1:]])
        for index, item in enumerate(value):
            yield [*value[:index], next(iter(nearby(item))), *value[index + 1 :]]
