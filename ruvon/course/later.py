"""Part 00 · What a module takes from a part that is later than its own: it must not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ruvon.course.stages import read_package
from ruvon.course.tags import TaggedSource

# Registries name modules in texts, and import them when they are asked for.
_DOTTED = re.compile(r"ruvon(\.\w+)+")


def later_uses(root: Path | None = None) -> list[str]:
    """Each import of, and each text that names, a module or a top-level name of a later part.

    An import counts from the part of its line: its own tag, or the tag of what is around it. Tools
    of the course are in every stage, so they can only count on Part 1. Imports inside of functions
    count too. Each entry reads `file:line: what, which part N brings`.
    """
    modules = {
        module_name(file.name): file.source
        for file in read_package(root)
        if file.source is not None
    }
    names = {module: top_level_names(source) for module, source in modules.items()}
    found = []
    for module, source in modules.items():
        package = module if source.path.endswith("__init__.py") else module.rpartition(".")[0]
        for line, target, name in uses(source, package):
            here = max(source.part_of(line), 1)
            if target not in modules:
                continue
            if name is not None and f"{target}.{name}" in modules:
                target, name = f"{target}.{name}", None
            there = modules[target].part
            what = target
            if name is not None:
                there = max(there, names[target].get(name, 0))
                what = f"{name} of {target}"
            if there > here:
                found.append(f"{source.path}:{line}: {what}, which part {there} brings")
    return found


def module_name(path: str) -> str:
    """`ruvon/memory/__init__.py` -> `ruvon.memory`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def uses(source: TaggedSource, package: str) -> Iterator[tuple[int, str, str | None]]:
    """The line, the module, and the name taken from it, of all that `source` imports or names."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) + 1 - node.level]
                base = ".".join([*above, *filter(None, [base])])
            for alias in node.names:
                yield alias.lineno, base, alias.name
        elif isinstance(node, ast.Constant) and _DOTTED.fullmatch(str(node.value)):
            yield node.lineno, str(node.value), None


def top_level_names(source: TaggedSource) -> dict[str, int]:
    """The names that a module defines at its top level, with the part that first brings each."""
    names: dict[str, int] = {}

    def note(name: str, line: int) -> None:
        part = source.part_of(line)
        names[name] = min(part, names.get(name, part))

    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            note(node.name, node.lineno)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    note(target.id, node.lineno)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                note((alias.asname or alias.name).partition(".")[0], node.lineno)
    return names
