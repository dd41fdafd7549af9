"""Part 00 · Tags: which part brought a module, a statement, an entry, and what stays without it.

A module's docstring opens with its part: `Part 8 · ...`. A statement that a later part adds ends
its first or its last line with `# part 11`; so does an entry on a line of its own in a bracket
that spans lines. The tag covers all of it, and the comment lines directly above.
What could be read in two ways, or would leave something that is no longer well formed, is
refused with file, line and the way out (the messages below are the list).
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ruvon.course.layout import Entry
from ruvon.course.layout import Layout
from ruvon.course.layout import Statement
from ruvon.course.tokens import Comment
from ruvon.errors import RuvonError

_DOCSTRING = re.compile(r"Part (00|[1-9]\d*) · (.+)")
_TAG = re.compile(r"(?:^|(?<=\s))# part ([1-9]\d*)$")
_NEARLY = re.compile(r"(?:^|(?<=\s))#+\s*part\s*\d+\s*[.:]?\s*$", re.IGNORECASE)
_LOOKS_TAGGED = re.compile(r"#\s*part\s*\d", re.IGNORECASE)
_CLAUSES = ("elif", "else", "except", "finally", "case")


class TagError(RuvonError):
    """A tag that cannot be honoured: where it stands, why, and the way out."""

    def __init__(self, path: str, line: int, problem: str, way_out: str) -> None:
        """Say `problem` at `path:line`, then `way_out`."""
        super().__init__(f"{path}:{line}: {problem}; {way_out}")
        self.path = path
        self.line = line


@dataclass(frozen=True)
class Region:
    """The lines that one tag covers, both ends included."""

    first: int
    last: int
    part: int
    tag_line: int


class TaggedSource:
    """A module's source, which can be read as it stood at any stage.

    `part` is the part that brought the module (0 for the tools of the course), `regions` are the
    lines that later parts added, `tree` is its syntax. Raises TagError.
    """

    def __init__(self, path: str, source: str) -> None:
        """Read `source`; `path` is what errors call it."""
        self.path = path
        try:
            self.tree = ast.parse(source)
        except SyntaxError as error:
            raise TagError(path, error.lineno or 1, f"not Python: {error.msg}", "mend it") from None
        self.lines = source.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.part, self.title = self._read_docstring()
        self.tags: dict[int, Comment] = {}
        self.regions: list[Region] = []
        # Most modules have no tag; then there is nothing to lay out, which takes most of the time.
        if _LOOKS_TAGGED.search(source):
            self._layout = Layout(source)
            self.tags = self._read_tags()
            self.regions = self._read_regions()
            self._check_order()
            self._check_bodies()
            self._check_brackets()
            self._check_stages()

    def part_of(self, line: int) -> int:
        """The part that brought `line` (counted from 1)."""
        return max([self.part, *(r.part for r in self._around(line, line))])

    def kept(self, stage: int) -> list[int]:
        """The numbers of the lines that stand at `stage`; none before the module's own part.

        Of the blank lines around what is dropped the longest run stays, the last one among equals.
        Where the formatter allows fewer, fewer stay: none at the end of the file and at the start
        of a block, one after the docstring and the imports when no `def` or `class` follows.
        """
        if stage < self.part:
            return []
        dropped = {
            line
            for region in self.regions
            if region.part > stage
            for line in range(region.first, region.last + 1)
        }
        kept: list[int] = []
        gap: list[int] = []  # dropped and blank lines since the last line that stays
        for line in range(1, len(self.lines) + 1):
            if line in dropped or not self.lines[line - 1].strip():
                gap.append(line)
                continue
            kept += self._blank_lines(gap, dropped, following=line)
            kept.append(line)
            gap = []
        return kept + ([] if dropped.intersection(gap) else gap)

    def text(self, stage: int, *, clean: bool = False) -> str:
        """The source at `stage`; without the tags when `clean`, as articles show it."""
        lines = self.clean_lines() if clean else self.lines
        return "".join(f"{lines[number - 1]}\n" for number in self.kept(stage))

    def clean_lines(self) -> list[str]:
        """All lines without the tags."""
        lines = list(self.lines)
        for line, tag in self.tags.items():
            before = lines[line - 1][: tag.column]
            lines[line - 1] = (before + _TAG.sub("", tag.text)).rstrip()
        return lines

    # Reading

    def _refuse(self, line: int, problem: str, way_out: str) -> TagError:
        return TagError(self.path, line, problem, way_out)

    def _read_docstring(self) -> tuple[int, str]:
        text = ast.get_docstring(self.tree) or ""
        found = _DOCSTRING.match(text)
        if not found:
            raise self._refuse(
                1,
                "the module does not say which part brought it",
                'open its docstring with """Part 8 · What it is.""" ("Part 00" for course tools)',
            )
        return int(found[1]), found[2]

    def _read_tags(self) -> dict[int, Comment]:
        """The comments that are tags, by line."""
        tags = {}
        for comment in self._layout.tokens.comments:
            if not _TAG.search(comment.text):
                if not comment.own_line and _NEARLY.search(comment.text):
                    raise self._refuse(
                        comment.line,
                        f"`{comment.text}` is almost a tag",
                        "write it as `# part 8`, with one digit where one is enough",
                    )
                continue
            if comment.own_line:
                raise self._refuse(
                    comment.line,
                    "the tag has the line to itself",
                    "put it at the end of the first or the last line of what it means",
                )
            tags[comment.line] = comment
        return tags

    def _read_regions(self) -> list[Region]:
        regions: dict[int, Region] = {}  # by first line: what is tagged starts on its own line
        for line, comment in self.tags.items():
            target = self._entry_at(line) or self._statement_at(line)
            found = _TAG.search(comment.text)
            assert found
            first = self._with_comments_above(target)
            region = Region(first, target.last, int(found[1]), line)
            other = regions.setdefault(target.first, region)
            if other is not region:
                raise self._refuse(
                    line,
                    f"a second tag on what line {other.tag_line} tags already",
                    "keep one of the two",
                )
        return sorted(regions.values(), key=lambda r: (r.first, -r.last))

    def _entry_at(self, line: int) -> Entry | None:
        """The entry of a bracket that a tag on `line` means, if it means one."""
        for bracket in self._layout.brackets:
            for entry in bracket.entries:
                if not entry.alone or line not in (entry.first, entry.last):
                    continue
                if bracket.fixed:
                    raise self._refuse(
                        line,
                        f"the tag is on {bracket.fixed}: who takes it apart counts on its length",
                        "return a dataclass and tag its field",
                    )
                if not bracket.trailing_comma:
                    raise self._refuse(
                        line,
                        "the last entry of this bracket has no comma after it",
                        "add the comma, so that the bracket keeps one entry a line",
                    )
                return entry
        return None

    def _statement_at(self, line: int) -> Statement:
        """The statement that a tag on `line` means."""
        found = [s for s in self._layout.statements if line in s.claims]
        keyword = self._layout.tokens.first_word(line)
        if keyword == "@":
            raise self._refuse(
                line,
                "a tag on a decorator could mean the decorator or the function",
                "tag the line of the `def` or the `class`, which covers its decorators; a "
                "decorator cannot come alone",
            )
        # `case` is a name too; as a statement's first word it claims its own line.
        if keyword in _CLAUSES and (keyword != "case" or len(found) != 1 or not found[0].alone):
            raise self._refuse(
                line,
                f"`{keyword}` belongs to the statement above it and cannot be tagged",
                "give the new case an `if` of its own with a tag, or a registry's tagged entry",
            )
        if len(found) > 1:
            raise self._refuse(
                line,
                "two statements on this line could claim the tag",
                "give each statement a line of its own",
            )
        if not found:
            raise self._refuse(
                line,
                "no statement starts or ends on this line, and no entry has it to itself",
                "move the tag to the first or the last line of the statement, or write the bracket "
                "one entry a line with a comma after the last",
            )
        if not found[0].alone:
            raise self._refuse(
                line,
                "the tagged statement shares a line with another one",
                "give each statement a line of its own",
            )
        if found[0].docstring:
            raise self._refuse(
                line,
                "a docstring cannot come later than what it documents",
                "say it in a comment above the tagged lines",
            )
        return found[0]

    def _with_comments_above(self, target: Statement | Entry) -> int:
        """The first of the comment lines directly above `target`, or its own first line."""
        above = {
            c.line for c in self._layout.tokens.comments if c.own_line and c.column == target.column
        }
        first = target.first
        while first - 1 in above:
            first -= 1
        return first

    def _around(self, first: int, last: int) -> Iterable[Region]:
        return (r for r in self.regions if r.first <= first and last <= r.last)

    # What is refused as a whole

    def _check_order(self) -> None:
        for region in self.regions:
            outer = [r for r in self._around(region.first, region.last) if r is not region]
            around = max([self.part, *(r.part for r in outer)])
            if region.part < around:
                raise self._refuse(
                    region.tag_line,
                    f"tagged part {region.part} inside of what part {around} brings",
                    f"a tag is never earlier than what is around it: drop it, or write {around} or "
                    "later",
                )

    def _check_bodies(self) -> None:
        for body in self._layout.bodies:
            around = self.part_of(body.line) if body.line else self.part
            parts = [self.part_of(s.first) for s in body.statements]
            if min(parts, default=around) > around:
                raise self._refuse(
                    body.statements[0].first,
                    f"nothing is left of this body before part {min(parts)}",
                    "tag the statement around it, or leave the body one statement without a tag",
                )

    def _check_brackets(self) -> None:
        for bracket in self._layout.brackets:
            around = self.part_of(bracket.line)
            parts = sorted(self.part_of(e.first) for e in bracket.entries)
            if parts[0] > around:
                raise self._refuse(
                    bracket.line,
                    f"nothing is left in this bracket before part {parts[0]}",
                    "tag the statement around it, or leave one entry without a tag",
                )
            # (a,) and x[a,] are one entry that keeps its comma: another meaning, another format.
            fragile = bracket.kind in ("tuple", "subscript") and len(parts) > 1
            if fragile and parts[1] > around:
                raise self._refuse(
                    bracket.line,
                    f"this {bracket.kind} would be left with one entry before part {parts[1]}",
                    "leave two entries without a tag"
                    + (", or make it a list" if bracket.kind == "tuple" else ""),
                )

    def _check_stages(self) -> None:
        for stage in sorted({self.part, *(r.part for r in self.regions)}):
            try:
                ast.parse(self.text(stage))
            except SyntaxError as error:
                kept = self.kept(stage)
                line = kept[min((error.lineno or 1), len(kept)) - 1]
                raise self._refuse(
                    line,
                    f"at stage {stage} this is no longer Python ({error.msg})",
                    "tag what belongs together (a bare `*` too)",
                ) from None

    # Blank lines

    def _blank_lines(self, gap: list[int], dropped: set[int], following: int) -> list[int]:
        """Those of the blank lines in `gap` that stay before the line `following`."""
        if not dropped.intersection(gap):
            return gap
        runs: list[list[int]] = [[]]
        for line in gap:
            if line in dropped:
                runs.append([])
            else:
                runs[-1].append(line)
        longest = max(reversed(runs), key=len)
        definition = self._definition_follows(following, dropped)
        preceding = gap[0] - 1
        header = self._layout.tokens.opening.get(preceding)
        if header == "def":
            return runs[0]
        if header == "class" or (header and not definition):
            return []
        if header or (preceding in self._layout.leading and not definition):
            return longest[:1]
        return longest

    def _definition_follows(self, line: int, dropped: set[int]) -> bool:
        """Whether the next statement at or after `line` is a top-level `def` or `class`."""
        while line in dropped or (
            line <= len(self.lines) and line not in self._layout.tokens.first_on_line
        ):
            line += 1
        return line in self._layout.definitions
