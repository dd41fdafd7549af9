"""Part 00 · What the articles are held to: code at a stage, a command's output, results, terms."""

import re
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from ruvon.course import outputs
from ruvon.course.article import Article
from ruvon.course.article import slug
from ruvon.course.manifest import Part
from ruvon.course.refs import Results
from ruvon.course.source import symbol_lines
from ruvon.course.source import symbols
from ruvon.course.stages import write_stage
from ruvon.course.tags import TaggedSource
from ruvon.errors import RuvonError

# What makes the package a course: in every stage, and cited by no article.
TOOLS = ("ruvon/course/", "ruvon/learn/")


class Checkout:
    """A checkout of the course; what is asked for twice is computed once."""

    def __init__(
        self,
        root: Path,
        parts: Sequence[Part],
    ) -> None:
        """`root` holds `parts/` and `ruvon/`; `parts` is its manifest."""
        self.root = root.resolve()
        self.parts = tuple(parts)
        self.results = Results(self.root)
        self._sources: dict[str, TaggedSource] = {}
        self._outputs: dict[tuple[str, int], list[str] | RuvonError] = {}
        self._stages: dict[int, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._pages: dict[Path, Article] = {}

    def close(self) -> None:
        """Remove the stages that were written out."""
        if self._folder:
            self._folder.cleanup()

    # Pages

    def pages(self, part: int | None = None) -> list[Path]:
        """The pages of one part, or all of the course."""
        folders = [f"{part:02d}" if part is not None else "[0-9][0-9]"]
        found = [p for f in folders for p in (self.root / "parts").glob(f"{f}/README.md")]
        found += [p for f in folders for p in (self.root / "parts").glob(f"{f}/exercises/*/*.md")]
        if part is None:
            found += [p for p in (self.root / "docs").glob("*.md") if not p.is_symlink()]
            found += [p for p in self.root.glob("*.md") if p.name in ("README.md", "TODO.md")]
        return sorted(found)

    def page(self, path: Path) -> Article:
        """The page at `path`."""
        path = path.resolve()
        if path not in self._pages:
            self._pages[path] = Article.read(path)
        return self._pages[path]

    def forget(self, path: Path) -> None:
        """Read `path` again when it is next asked for."""
        self._pages.pop(path.resolve(), None)

    def part_of(self, page: Path) -> int | None:
        """The part whose folder `page` is in."""
        found = re.match(r"parts/(\d\d)/", self.name(page))
        return int(found[1]) if found else None

    def is_article(self, page: Path) -> bool:
        """Whether `page` is the article of a part, and not one of its exercises."""
        return re.fullmatch(r"parts/\d\d/README\.md", self.name(page)) is not None

    def name(self, path: Path) -> str:
        """A path as messages and links from the root name it."""
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )

    # Terms

    @cached_property
    def terms(self) -> dict[str, int]:
        """Each term with the part that introduces it."""
        return {term: part.number for part in self.parts for term in part.terms}

    @cached_property
    def everyday(self) -> frozenset[str]:
        """The terms that are plain words too, and are terms only where they are linked."""
        return frozenset(term for part in self.parts for term in part.everyday)

    @cached_property
    def glossary(self) -> dict[str, int]:
        """The anchor of each term in docs/glossary.md, with its line."""
        path = self.root / "docs" / "glossary.md"
        if not path.is_file():
            return {}
        headings = self.page(path).headings
        return {slug(text): line for line, level, text in headings if level == 3}

    # Code and output

    def code(self, path: str, symbol: str | None, stage: int | None) -> list[str]:
        """The lines of a symbol, or of the whole file, without tags.

        `stage` is None for a file outside of the package. Raises RuvonError.
        """
        source = self.source(path, stage)
        return symbol_lines(source, symbol) if symbol else source.splitlines()

    def source(self, path: str, stage: int | None) -> str:
        """A file at a stage, without tags; as it is without a stage. Raises RuvonError."""
        file = self.root / path
        if not file.is_file() or file.suffix != ".py":
            raise RuvonError(f"there is no Python file {path}")
        if stage is None:
            return file.read_text(encoding="utf-8")
        tagged = self.tagged(path)
        if stage < tagged.part:
            raise RuvonError(f"{path} is not there before part {tagged.part}")
        return tagged.text(stage, clean=True)

    def defined(self, name: str, stage: int) -> tuple[str, str] | None:
        """File and full name of the one symbol called `name` or `Class.name` at a stage.

        None where the package has no such symbol then, or more than one.
        """
        places = self._symbols.get(name, {})
        found = [place for place, born in places.items() if born <= stage]
        return found[0] if len(found) == 1 else None

    @cached_property
    def _symbols(self) -> dict[str, dict[tuple[str, str], int]]:
        """By name: the symbols of the package, each with the part that brings it."""
        found: dict[str, dict[tuple[str, str], int]] = {}
        for file in sorted((self.root / "ruvon").rglob("*.py")):
            path = self.name(file)
            if path.startswith(TOOLS):
                continue
            tagged = self.tagged(path)
            for full, statement in symbols(tagged.tree.body):
                born = tagged.part_of(statement.lineno)
                for name in {full, full.rpartition(".")[2]}:
                    places = found.setdefault(name, {})
                    places[path, full] = min(born, places.get((path, full), born))
        return found

    def tagged(self, path: str) -> TaggedSource:
        """A module with its tags."""
        if path not in self._sources:
            text = (self.root / path).read_text(encoding="utf-8")
            self._sources[path] = TaggedSource(path, text)
        return self._sources[path]

    def output(self, command: str, stage: int) -> list[str]:
        """The lines that a command prints with the written-out stage. Raises RuvonError."""
        key = (command, stage)
        if key not in self._outputs:
            try:
                self._outputs[key] = outputs.run(command, self._stage(stage), self.root)
            except RuvonError as error:
                self._outputs[key] = error
        answer = self._outputs[key]
        if isinstance(answer, RuvonError):
            raise answer
        return answer

    def _stage(self, stage: int) -> Path:
        here = [part.number for part in self.parts if part.status == "landed"]
        if stage not in here:
            raise RuvonError(f"there is no stage {stage}; there are {', '.join(map(str, here))}")
        if stage not in self._stages:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="ruvon-stages-")
            folder = Path(self._folder.name) / str(stage)
            write_stage(stage, folder, self.root)
            self._stages[stage] = folder
        return self._stages[stage]
