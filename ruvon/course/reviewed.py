"""Part 00 · Reviewed prose: what the cited code meant when a section was last read.

A section cites a symbol in a fence, `python FILE SYMBOL @STAGE`, or in inline code that names one
symbol of the package: `name`, `name(...)`, `Class.method`. A hash of what each cited symbol means
is kept in parts/NN/reviewed.toml (docs/reviewed.toml for the pages of no part, whose inline code
has no stage and is not looked up). When the meaning changes, the check fails until somebody has
read the section again and said so with `ruvon course accept`.

A fence without a symbol shows lines, which are compared word by word; it cites nothing here.
"""

import ast
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruvon.course.article import Article
from ruvon.course.article import Fault
from ruvon.course.checkout import Checkout
from ruvon.course.fences import shown
from ruvon.course.source import find_symbol
from ruvon.errors import RuvonError

HEADER = (
    "# Written by `ruvon course accept`: what the code meant when each section was last read.\n"
)

# A page's name, seen from the file's folder, then a heading, then a symbol; last a hash.
Record = dict[str, dict[str, dict[str, str]]]

_NAMED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)(?:\(.*\))?", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """An entry that `accept` wrote: where the symbol is cited, and what became of it."""

    page: Path
    heading: str
    symbol: str
    what: str  # "new", "changed" or "no longer cited"


def meaning(source: str, symbol: str) -> str:
    """A short hash of what a symbol of `source` does. Raises RuvonError when it is not there.

    Docstrings, comments and layout do not count.
    """
    said = _said(find_symbol(source, symbol))
    return hashlib.sha256(said.encode()).hexdigest()[:10]


def _said(node: object) -> str:
    """The syntax below `node` in words.

    ast.dump writes empty fields in one version of Python and leaves them out in the next. They are
    left out here, so that a hash holds in all of them.
    """
    if isinstance(node, list):
        return f"[{', '.join(map(_said, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Constant):
        return f"Constant({node.value!r})"
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields["body"] = _without_docstring(node.body)
    inside = (f"{name}={_said(value)}" for name, value in fields.items() if value not in (None, []))
    return f"{type(node).__name__}({', '.join(inside)})"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] if isinstance(first.value.value, str) else body
    return body


# What a page cites


def citations(checkout: Checkout, page: Article) -> Iterator[tuple[int, str, str]]:
    """Line, symbol and its meaning, for each citation of a page.

    The symbol is written as in a fence, with file and stage. What is not there is left out: the
    rules for fences say so.
    """
    for line, path, symbol, stage in _cited(checkout, page):
        try:
            hashed = meaning(checkout.source(path, stage), symbol)
        except RuvonError:
            continue
        yield line, f"{path} {symbol}" if stage is None else f"{path} {symbol} @{stage}", hashed


def _cited(checkout: Checkout, page: Article) -> Iterator[tuple[int, str, str, int | None]]:
    for fence in page.fences:
        path, symbol, stage = shown(fence) or ("", None, None)
        if symbol:
            yield fence.line, path, symbol, stage
    part = checkout.part_of(page.path)
    if part is None:
        return
    head = page.between("head") or (0, 0)
    for at, text in page.codes:
        named = _NAMED.fullmatch(text)
        place = checkout.defined(named[1], part) if named else None
        if place and not head[0] <= at < head[1]:
            yield page.line(at), *place, part


def _sections(checkout: Checkout, page: Article) -> dict[str, dict[str, tuple[int, str]]]:
    """By heading and symbol: the line of the first citation, and the meaning."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for line, symbol, hashed in sorted(citations(checkout, page)):
        above = [text for at, _, text in page.headings if at <= line]
        found.setdefault(above[-1] if above else "", {}).setdefault(symbol, (line, hashed))
    return found


# What was accepted


def record_path(checkout: Checkout, page: Path) -> Path:
    """The file that keeps what was accepted of a page."""
    part = checkout.part_of(page)
    folder = "docs" if part is None else f"parts/{part:02d}"
    return checkout.root / folder / "reviewed.toml"


def read(path: Path) -> Record:
    """What was accepted so far. Raises RuvonError."""
    if not path.is_file():
        return {}
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RuvonError(f"{path.name} cannot be read: {error}") from None
    for sections in record.values():
        if not isinstance(sections, dict) or not all(
            isinstance(s, dict) for s in sections.values()
        ):
            raise RuvonError(f"{path.name} cannot be read: a table is not a page and a heading")
    return record


def written(record: Record) -> str:
    """The text of a record, sorted. A TOML key may be quoted as JSON is."""
    text = HEADER
    for page, sections in sorted(record.items()):
        for heading, symbols in sorted(sections.items()):
            text += f"\n[{_quoted(page)}.{_quoted(heading)}]\n"
            text += "".join(f'{_quoted(name)} = "{symbols[name]}"\n' for name in sorted(symbols))
    return text


def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _name_in(record: Path, page: Path) -> str:
    return Path(os.path.relpath(page, record.parent)).as_posix()


# The rule


def check_reviewed(checkout: Checkout, page: Article) -> Iterator[Fault]:
    """Somebody has read each section since the code that it cites came to mean what it means."""
    path = record_path(checkout, page.path)
    try:
        accepted = read(path).get(_name_in(path, page.path), {})
    except RuvonError as error:
        yield Fault(path, 1, str(error), f"delete it, then {_accept(checkout, page.path)}")
        return
    now = _sections(checkout, page)
    way_out = f"read the section again, then {_accept(checkout, page.path)}"
    for heading, symbols in now.items():
        for symbol, (line, hashed) in symbols.items():
            before = accepted.get(heading, {}).get(symbol)
            if before is None:
                what = f"{heading!r} cites {symbol}, and nobody has accepted that yet"
                yield Fault(page.path, line, what, way_out)
            elif before != hashed:
                what = f"{heading!r} cites {symbol}, whose meaning changed since it was last read"
                yield Fault(page.path, line, what, way_out)
    for heading, kept in accepted.items():
        for symbol in kept.keys() - now.get(heading, {}).keys():
            line = next((at for at, _, text in page.headings if text == heading), 1)
            yield Fault(page.path, line, f"{heading!r} cites {symbol} no longer", way_out)


def check_records(checkout: Checkout, part: int | None = None) -> Iterator[Fault]:
    """No record speaks of a page that is not there."""
    for path in _records(checkout, part):
        try:
            pages = read(path)
        except RuvonError as error:
            yield Fault(path, 1, str(error), "delete it, then run `ruvon course accept`")
            continue
        for name in pages:
            if not (path.parent / name).is_file():
                what = f"{name} is not there, and its sections stand here as read"
                yield Fault(path, 1, what, "run `ruvon course accept`")


def _accept(checkout: Checkout, page: Path) -> str:
    part = checkout.part_of(page)
    return f"run `ruvon course accept{'' if part is None else f' --part {part}'}`"


def _records(checkout: Checkout, part: int | None) -> list[Path]:
    """The records that there are, of one part or of all and of docs/."""
    folder = "[0-9][0-9]" if part is None else f"{part:02d}"
    found = sorted((checkout.root / "parts").glob(f"{folder}/reviewed.toml"))
    docs = checkout.root / "docs" / "reviewed.toml"
    return [*found, docs] if part is None and docs.is_file() else found


def accept(checkout: Checkout, part: int | None = None) -> list[Change]:
    """Write down what one part's pages cite, or all pages; returns the entries that changed.

    Raises RuvonError when a record cannot be read.
    """
    records: dict[Path, Record] = {path: {} for path in _records(checkout, part)}
    for page in checkout.pages(part):
        sections = _sections(checkout, checkout.page(page))
        path = record_path(checkout, page)
        if sections:
            records.setdefault(path, {})[_name_in(path, page)] = {
                heading: {symbol: hashed for symbol, (_, hashed) in symbols.items()}
                for heading, symbols in sections.items()
            }
    changes: list[Change] = []
    for path, record in records.items():
        changes += _changes(path.parent, read(path), record)
        if record:
            path.write_text(written(record), encoding="utf-8")
        else:
            path.unlink()
    return changes


def _changes(folder: Path, before: Record, after: Record) -> Iterator[Change]:
    old, new = _flat(before), _flat(after)
    for place in sorted(old.keys() | new.keys()):
        if old.get(place) == new.get(place):
            continue
        what = "changed" if place in old and place in new else "new"
        page, heading, symbol = place
        if place not in new:
            what = "no longer cited"
        yield Change((folder / page).resolve(), heading, symbol, what)


def _flat(record: Record) -> dict[tuple[str, str, str], str]:
    return {
        (page, heading, symbol): hashed
        for page, sections in record.items()
        for heading, symbols in sections.items()
        for symbol, hashed in symbols.items()
    }
