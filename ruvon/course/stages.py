"""Part 00 · Stages: the package as it stood at a part, written out, and what a part adds."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from ruvon.course.manifest import checkout
from ruvon.course.tags import TaggedSource
from ruvon.errors import RuvonError

CONTEXT = 3  # lines of a stage shown around what is new


class StageError(RuvonError):
    """A stage that cannot be written, or a package that has no stages."""


@dataclass(frozen=True)
class Difference:
    """What one stage has over another."""

    new_modules: tuple[str, ...]
    added: int
    removed: int
    # Unified diff, as lines; `patch -p1` turns a clean stage `old` into a clean stage `new`.
    text: tuple[str, ...]


@dataclass(frozen=True)
class PackageFile:
    """A file of the package: its path from the checkout's root, its part, what stands in it."""

    name: str
    part: int
    content: bytes
    # Of a module only.
    source: TaggedSource | None

    def at(self, stage: int, clean: bool = False) -> bytes:
        """What stands in it at a stage, from its part on."""
        if self.source is None:
            return self.content
        return self.source.text(stage, clean=clean).encode()


def read_package(root: Path | None = None) -> list[PackageFile]:
    """Every file of the package that a stage could hold, in order. Raises RuvonError.

    A file that is not Python belongs to the part of its package, which its `__init__.py` names.
    """
    root = root or checkout()
    parts: dict[Path, int] = {}  # of packages, by their folder
    files: list[PackageFile] = []
    paths = sorted(package_paths(root), key=lambda p: (p.name != "__init__.py", p))
    for path in paths:
        name, content = path.relative_to(root).as_posix(), path.read_bytes()
        source = read_module(name, content) if path.suffix == ".py" else None
        if source and path.name == "__init__.py":
            parts[path.parent] = source.part
        package = next((folder for folder in path.parents if folder in parts), None)
        if package is None or (source and package != path.parent):
            raise StageError(f"{name}: its folder has no __init__.py to name its part; add one")
        # A tool of the course is in every stage, and the first one is stage 1.
        if source and max(source.part, 1) < parts[package]:
            raise StageError(
                f"{name}: brought by part {source.part}, into a package that part {parts[package]} "
                f"brings; let the docstring of {package.relative_to(root).as_posix()}/__init__.py "
                f"say part {max(source.part, 1)}"
            )
        part = source.part if source else parts[package]
        files.append(PackageFile(name, part, content, source))
    return sorted(files, key=lambda file: file.name)


def package_paths(root: Path) -> Iterator[Path]:
    """The files of the package, without caches and without the models that ship."""
    for path in (root / "ruvon").rglob("*"):
        inner = path.relative_to(root).parts
        hidden = any(word.startswith(".") or word == "__pycache__" for word in inner)
        if path.is_file() and not hidden and not is_weights(path, root):
            yield path


def is_weights(path: Path, root: Path) -> bool:
    """Whether `path` belongs to a model that ships: found through RUVON_ZOO, never copied."""
    zoo = root / "ruvon" / "zoo"
    if path.suffix == ".safetensors":
        return True
    if not path.is_relative_to(zoo) or path.parent == zoo:
        return False
    return not (zoo / path.relative_to(zoo).parts[0] / "__init__.py").exists()


@cache
def read_module(name: str, content: bytes) -> TaggedSource:
    """A module with its tags. What was read once is kept: all stages come from the same text."""
    return TaggedSource(name, content.decode())


def stage_files(stage: int, root: Path | None = None, clean: bool = False) -> dict[str, bytes]:
    """The files of a stage and what stands in them, by their path from the checkout's root.

    `clean` leaves the tags out.
    """
    return {file.name: file.at(stage, clean) for file in read_package(root) if file.part <= stage}


def write_stage(stage: int, folder: Path, root: Path | None = None, clean: bool = False) -> int:
    """Write the package of a stage to `folder`/ruvon. -> how many modules it has.

    Raises StageError when there is such a folder already: nothing is overwritten.
    """
    root = root or checkout()
    target = folder / "ruvon"
    if target.exists():
        raise StageError(f"{target} exists already; name another folder, or remove it first")
    if target.resolve().is_relative_to((root / "ruvon").resolve()):
        raise StageError(f"{folder} lies in the package itself; name a folder outside of it")
    files = stage_files(stage, root, clean)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sum(name.endswith(".py") for name in files)


def difference(old: int, new: int, root: Path | None = None) -> Difference:
    """What stage `new` has that stage `old` has not. Tools of the course are left out."""
    text: list[str] = []
    modules: list[str] = []
    added = removed = 0
    for file in read_package(root):
        if file.part == 0 or file.part > new:
            continue
        if file.source is None:
            plain = file.content.decode(errors="replace").splitlines()
            kept = [set(range(1, len(plain) + 1)) if file.part <= s else set() for s in (old, new)]
        else:
            plain = file.source.clean_lines()
            kept = [set(file.source.kept(stage)) for stage in (old, new)]
            if file.part > old:
                modules.append(file.name)
            added += len(kept[1] - kept[0])
            removed += len(kept[0] - kept[1])
        names = (f"old/{file.name}" if file.part <= old else "/dev/null", f"new/{file.name}")
        text += unified(plain, kept[0], kept[1], names)
    return Difference(tuple(modules), added, removed, tuple(text))


def unified(
    lines: list[str], old: set[int], new: set[int], names: tuple[str, str]
) -> Iterator[str]:
    """A unified diff between two choices of the same lines, which are numbered from 1.

    Both choices are known, so nothing is guessed: each line is where it is, or is not there.
    """
    union = sorted(old | new)
    changed = [index for index, number in enumerate(union) if (number in old) != (number in new)]
    shown = sorted(
        {i for c in changed for i in range(c - CONTEXT, c + CONTEXT + 1) if 0 <= i < len(union)}
    )
    if changed:
        yield f"--- {names[0]}"
        yield f"+++ {names[1]}"
    for _, group in groupby(enumerate(shown), key=lambda pair: pair[1] - pair[0]):
        hunk = [union[index] for _, index in group]
        spans = []
        for chosen in (old, new):
            length = sum(number in chosen for number in hunk)
            before = sum(number < hunk[0] for number in chosen)
            spans.append(f"{before + 1 if length else before},{length}")
        yield f"@@ -{spans[0]} +{spans[1]} @@"
        for number in hunk:
            sign = " " if number in old and number in new else "-" if number in old else "+"
            yield sign + lines[number - 1]


def stage_hash(stage: int, root: Path | None = None) -> str:
    """A name for all that a stage's tests depend on: its files, their tests, models, and pins."""
    root = root or checkout()
    digest = hashlib.sha256()
    for name, content in stage_files(stage, root).items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    paths = [root / "tests/conftest.py", root / "pyproject.toml", root / "constraints.txt"]
    paths += (root / "tests/parts").glob("*.*")
    for number in range(1, stage + 1):
        paths += (root / f"tests/parts/{number:02}").rglob("*")
    zoo = Path(os.environ.get("RUVON_ZOO") or root / "ruvon" / "zoo")
    paths += zoo.glob("*/*")
    for path in sorted(set(paths)):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(zoo if path.is_relative_to(zoo) else root).as_posix()
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
