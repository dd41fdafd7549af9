"""Part 00 · An article taken apart: fences, prose, references, links, headings.

Every piece keeps its place in the text, so that a check can name the line and sync can write
there. The text is masked in steps, always at the same length, so that one offset serves all.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HIDDEN = "\ufffc"  # stands for masked characters inside a line of prose

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REF = re.compile(r"<!--r\s+(?P<spec>[^\n]+?)\s*-->(?P<value>[^\n]*?)<!--/r-->")
_REF_EDGE = re.compile(r"<!--r\s|<!--/r-->")
_TARGET = r"\(\s*<?(?P<target>(?:[^()\s<>]|\([^()\s]*\))*)>?(?:\s+\"[^\"]*\")?\s*\)"
_IMAGE = re.compile(r"!\[(?P<text>[^\[\]]*)\]" + _TARGET)
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]" + _TARGET)
_DEFINITION = re.compile(r"^ {0,3}\[(?P<text>(?!\^)[^\]\n]+)\]:\s*<?(?P<target>[^\s>]+)>?", re.M)
_BY_NAME = re.compile(r"(?<!!)\[(?P<text>[^\[\]]+)\]\[(?P<name>[^\[\]]*)\]")
_TAG = re.compile(r"<(?P<name>img|source|a)\b(?P<attributes>[^>]*)>", re.I)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_HEADING = re.compile(r"^ {0,3}(?P<level>#{1,6})[ \t]+(?P<text>.*?)[ \t]*#*[ \t]*$", re.M)
_MARKER = re.compile(r"<!-- (?P<close>/?)(?P<name>[a-z]+) -->")


@dataclass(frozen=True)
class Edit:
    """A replacement of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Fault:
    """What is wrong at a line, and the way out; with an edit where sync can mend it."""

    path: Path
    line: int
    what: str
    way_out: str
    edit: Edit | None = None
    warning: bool = False


@dataclass(frozen=True)
class Fence:
    """A fenced block. `body` is without the fence's own indentation."""

    line: int  # of the opening
    info: str
    body: tuple[str, ...]
    indent: int
    start: int  # where the body's text starts
    end: int  # where the closing fence's line starts
    closed: bool

    @property
    def word(self) -> str:
        """The first word of the info string: what kind of fence it is."""
        return self.info.split(maxsplit=1)[0] if self.info.strip() else ""

    @property
    def rest(self) -> str:
        """What follows the first word."""
        return self.info.strip()[len(self.word) :].strip()

    def replaced(self, lines: list[str]) -> Edit:
        """The edit that makes `lines` the body."""
        margin = " " * self.indent
        text = "".join(f"{margin}{line}".rstrip() + "\n" for line in lines)
        return Edit(self.start, self.end, text)


@dataclass(frozen=True)
class Ref:
    """A measured figure: where it comes from and what the article says."""

    line: int
    spec: str
    value: str
    start: int  # of the value
    end: int


@dataclass(frozen=True)
class Link:
    """A link, or an image (then `alt` is its text, None when it has none)."""

    line: int
    target: str
    image: bool = False
    alt: str | None = None
    start: int = 0  # of all of it, text and target
    end: int = 0


class Article:
    """A page of Markdown as GitHub shows it."""

    def __init__(self, path: Path, text: str) -> None:
        """Take `text` apart; `path` is where it stands, and what its links start from."""
        self.path = path
        self.text = text
        self.fences: list[Fence] = []
        self._read_fences()

    @classmethod
    def read(cls, path: Path) -> "Article":
        """The article in a file."""
        return cls(path, path.read_text(encoding="utf-8"))

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return self.text.count("\n", 0, offset) + 1

    # Masks, each made from the one before

    def _read_fences(self) -> None:
        masked: list[str] = []
        lines = self.text.splitlines(keepends=True)
        at, index = 0, 0
        while index < len(lines):
            opening = _FENCE.match(lines[index].rstrip("\n"))
            if not opening or ("`" in opening["info"] and opening["mark"][0] == "`"):
                masked.append(lines[index])
                at, index = at + len(lines[index]), index + 1
                continue
            first, begin = index, at + len(lines[index])
            at, index = begin, index + 1
            closing = re.compile(rf" *{opening['mark'][0]}{{{len(opening['mark'])},}}\s*$")
            while index < len(lines) and not closing.match(lines[index]):
                at, index = at + len(lines[index]), index + 1
            end, closed = at, index < len(lines)
            indent = len(opening["indent"])
            body = tuple(_without(indent, line.rstrip("\n")) for line in lines[first + 1 : index])
            info = opening["info"].strip()
            self.fences.append(Fence(first + 1, info, body, indent, begin, end, closed))
            if closed:
                at, index = at + len(lines[index]), index + 1
            masked += [re.sub(r"[^\n]", " ", line) for line in lines[first:index]]
        self.outside = "".join(masked)  # without fences

    @cached_property
    def prose(self) -> str:
        """The text without fences and inline code."""
        return _CODE.sub(_hide, self.outside)

    @cached_property
    def plain(self) -> str:
        """The text that a reader reads as written by hand: no references, no comments either."""
        return _COMMENT.sub(_hide, _REF.sub(_hide, self.prose))

    @cached_property
    def without_links(self) -> str:
        """`plain` without the targets of links and without tags."""
        text = _DEFINITION.sub(_hide, self.plain)
        for pattern in (_IMAGE, _LINK):
            text = pattern.sub(lambda m: _hide_span(m, "target"), text)
        return re.sub(r"<[^<>]+>", _hide, text)

    # Pieces

    @cached_property
    def refs(self) -> list[Ref]:
        """The references to measured figures, in order."""
        return [
            Ref(
                self.line(m.start()),
                m["spec"],
                self.text[m.start("value") : m.end("value")],
                m.start("value"),
                m.end("value"),
            )
            for m in _REF.finditer(self.prose)
        ]

    @cached_property
    def broken_refs(self) -> list[int]:
        """The lines with an opening or a closing mark of a reference that has no partner."""
        rest = _REF.sub(_hide, self.prose)
        return [self.line(m.start()) for m in _REF_EDGE.finditer(rest)]

    @cached_property
    def links(self) -> list[Link]:
        """The links and images, in order: inline, by name, and in HTML."""
        text = _COMMENT.sub(_hide, self.prose)
        found: list[tuple[re.Match[str], str, bool, str | None]] = []
        for m in _IMAGE.finditer(text):
            found.append((m, m["target"], True, m["text"].strip() or None))
        for pattern in (_LINK, _DEFINITION):
            found += [(m, m["target"], False, None) for m in pattern.finditer(text)]
        for m in _TAG.finditer(text):
            values = {k.lower(): a or b for k, a, b in _ATTRIBUTE.findall(m["attributes"])}
            name = m["name"].lower()
            if name == "a" and "href" in values:
                found.append((m, values["href"], False, None))
            elif name == "source":
                source = values.get("srcset", "").split(" ")[0]
                found.append((m, source, True, "the alt text is the <img>'s"))
            elif name == "img":
                found.append((m, values.get("src", ""), True, values.get("alt") or None))
        found.sort(key=lambda link: link[0].start())
        return [
            Link(self.line(m.start()), target, image, alt, m.start(), m.end())
            for m, target, image, alt in found
        ]

    @cached_property
    def codes(self) -> list[tuple[int, str]]:
        """Offset and text of each piece of inline code that a reader sees."""
        comments = [m.span() for m in _COMMENT.finditer(self.prose)]
        return [
            (m.start(), m[2].strip())
            for m in _CODE.finditer(self.outside)
            if not any(start <= m.start() < end for start, end in comments)
        ]

    @cached_property
    def undefined(self) -> list[tuple[int, str]]:
        """Links by a name that has no `[name]: target`, each with its line."""
        text = _COMMENT.sub(_hide, self.prose)
        known = {m["text"].lower() for m in _DEFINITION.finditer(text)}
        used = [(m.start(), m["name"] or m["text"]) for m in _BY_NAME.finditer(text)]
        return [(self.line(at), name) for at, name in used if name.lower() not in known]

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Line, level and text of each heading."""
        return [
            (self.line(m.start()), len(m["level"]), m["text"])
            for m in _HEADING.finditer(self.outside)
        ]

    @cached_property
    def anchors(self) -> set[str]:
        """What a link to this page may name after `#`."""
        seen: dict[str, int] = {}
        found = set(re.findall(r"<a\s[^>]*(?:id|name)=[\"']([^\"']+)[\"']", self.prose))
        for _, _, text in self.headings:
            name = slug(text)
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
        return found

    def between(self, name: str) -> tuple[int, int] | None:
        """The offsets between `<!-- name -->` and `<!-- /name -->`; None without both."""
        marks = [m for m in _MARKER.finditer(self.prose) if m["name"] == name]
        if [m["close"] for m in marks] != ["", "/"]:
            return None
        return marks[0].end(), marks[1].start()

    @property
    def words(self) -> int:
        """The number of words outside of fences, comments and what is generated."""
        text = _COMMENT.sub(_hide, self.outside)
        for name in ("head", "exercises"):
            if place := self.between(name):
                text = text[: place[0]] + " " * (place[1] - place[0]) + text[place[1] :]
        for m in _IMAGE, _LINK:
            text = m.sub(lambda found: found["text"], text)
        return len(re.findall(r"\w[\w'’-]*", text))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = _COMMENT.sub("", text)
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", text)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _without(indent: int, line: str) -> str:
    """`line` without up to `indent` blanks at its start."""
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]


def _hide(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", HIDDEN, found[0])


def _hide_span(found: re.Match[str], group: str) -> str:
    start, end = (place - found.start() for place in found.span(group))
    return found[0][:start] + HIDDEN * (end - start) + found[0][end:]
