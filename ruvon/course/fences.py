"""Part 00 · Rules for fences: code equals the stage's source, output equals what is printed."""

import re
from collections.abc import Iterator

from ruvon.course.article import Article
from ruvon.course.article import Edit
from ruvon.course.article import Fault
from ruvon.course.article import Fence
from ruvon.course.checkout import Checkout
from ruvon.course.excerpts import Difference
from ruvon.course.excerpts import compare
from ruvon.course.excerpts import omits
from ruvon.errors import RuvonError

LONGEST = 25  # lines of a code fence
FREE = ("pseudo", "shell", "sh", "text", "mermaid", "json", "toml", "markdown")

_STAGED = re.compile(r"(?P<what>.+?)\s+@(?P<stage>\d+)")
_PYTHON_WAY = (
    "name the file, the symbol and the stage: `python ruvon/tokenizer.py Tokenizer.encode @1`, "
    "or call it `pseudo`"
)


def check_fences(checkout: Checkout, page: Article, run: bool) -> Iterator[Fault]:
    """Faults of a page's fences. Without `run` no command is run."""
    for fence in page.fences:
        if not fence.closed:
            yield Fault(page.path, fence.line, "the fence is not closed", "close it")
        elif fence.word == "python":
            yield from _check_code(checkout, page, fence)
        elif fence.word == "output":
            yield from _check_output(checkout, page, fence, run)
        elif fence.word not in FREE:
            known = ", ".join(("python", "output", *FREE))
            what = f"a fence is called {fence.word!r}" if fence.word else "a fence has no label"
            yield Fault(page.path, fence.line, what, f"call it one of {known}")


def shown(fence: Fence) -> tuple[str, str | None, int | None] | None:
    """File, symbol and stage that a python fence shows; None where it does not say which file."""
    staged = _STAGED.fullmatch(fence.rest)
    words = (staged["what"] if staged else fence.rest).split()
    if fence.word != "python" or not 1 <= len(words) <= 2 or not words[0].endswith(".py"):
        return None
    stage = int(staged["stage"]) if staged else None
    return words[0], words[1] if len(words) == 2 else None, stage


def _check_code(checkout: Checkout, page: Article, fence: Fence) -> Iterator[Fault]:
    def fault(what: str, way_out: str, line: int = fence.line, edit: Edit | None = None) -> Fault:
        return Fault(page.path, line, what, way_out, edit)

    if len(fence.body) > LONGEST:
        yield fault(
            f"the excerpt has {len(fence.body)} lines, and {LONGEST} are the most",
            "leave lines out with `...`, or show two excerpts",
        )
    if not fence.rest and checkout.name(page.path) == "README.md":
        return  # the tests execute what the README shows
    said = shown(fence)
    if said is None:
        yield fault("a python fence does not say which code it shows", _PYTHON_WAY)
        return
    path, symbol, stage = said
    if path.startswith("ruvon/") != (stage is not None):
        if stage is not None:
            yield fault(f"{path} is outside of ruvon/ and has no stages", "drop the `@`")
        else:
            yield fault(f"the excerpt of {path} names no stage", "end the line with `@1`, say")
        return
    try:
        original = checkout.code(path, symbol, stage)
    except RuvonError as error:
        yield fault(f"`{fence.rest}`: {error}", "cite what is there")
        return
    difference = compare(fence.body, original, inside=symbol is None)
    if difference is None and fence.body:
        return
    edit = fence.replaced(original) if symbol and not omits(fence.body) else None
    if not fence.body:
        yield fault("the excerpt is empty", _sync_or(edit, "write the lines to show"), edit=edit)
    elif difference:
        what, line = _described(difference, fence, fence.rest)
        yield fault(what, _sync_or(edit, "copy the lines again"), line, edit)


def _check_output(checkout: Checkout, page: Article, fence: Fence, run: bool) -> Iterator[Fault]:
    def fault(what: str, way_out: str, line: int = fence.line, edit: Edit | None = None) -> Fault:
        return Fault(page.path, line, what, way_out, edit)

    if fence.rest.split()[:1] == ["recorded"]:
        yield from _check_recorded(checkout, page, fence)
        return
    staged = _STAGED.fullmatch(fence.rest)
    if not staged:
        yield fault(
            "an output fence does not say which command prints it, and at which stage",
            'name both: `output ruvon next "Hello" --dtype float32 @1`',
        )
        return
    if not run:
        return
    try:
        printed = checkout.output(staged["what"], int(staged["stage"]))
    except RuvonError as error:
        yield fault(str(error), "name a command that succeeds")
        return
    difference = compare(_trimmed(fence.body), printed, inside=False)
    if difference:
        edit = None if omits(fence.body) else fence.replaced(printed)
        what, line = _described(difference, fence, f"`{staged['what']}` @{staged['stage']}")
        yield fault(what, _sync_or(edit, "copy the output again"), line, edit)


def _check_recorded(checkout: Checkout, page: Article, fence: Fence) -> Iterator[Fault]:
    words = fence.rest.split()
    if len(words) != 2:
        what, way = (
            "a recorded output does not name its results",
            "`output recorded results/x.json`",
        )
        yield Fault(page.path, fence.line, what, way)
        return
    path = page.path.parent / words[1]
    try:
        command = checkout.results.read(path).get("command")
    except (RuvonError, AttributeError) as error:
        yield Fault(page.path, fence.line, str(error), "run parts/NN/measure.py, and name its file")
        return
    if not command:
        yield Fault(
            page.path,
            fence.line,
            f"{words[1]} does not say which command it comes from",
            'give it a key "command" (ruvon.bench.record does)',
        )


def _described(difference: Difference, fence: Fence, name: str) -> tuple[str, int]:
    """What differs, and the line where it does."""
    line = fence.line + 1 + min(difference.index, len(fence.body))
    if difference.found is None:
        return f"{name} goes on with {difference.wanted!r}", line
    if difference.wanted is None:
        return f"{name} has no line {difference.found!r} there", line
    return f"{name} has {difference.wanted!r} where {difference.found!r} stands", line


def _sync_or(edit: Edit | None, way_out: str) -> str:
    return "run `ruvon course sync`" if edit else way_out


def _trimmed(body: tuple[str, ...]) -> list[str]:
    """The body without empty lines at its end."""
    lines = list(body)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
