"""Part 4 · `ruvon chat`: a conversation, with a model in this process or with a server."""

import sys
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import closing
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING
from typing import Any

import typer
from rich.console import Console

from ruvon.client.conversation import Conversation
from ruvon.client.conversation import Message
from ruvon.client.conversation import Source
from ruvon.client.conversation import TooLong
from ruvon.client.conversation import room
from ruvon.commands.options import DEVICE
from ruvon.commands.options import DTYPE
from ruvon.commands.options import LINEAR
from ruvon.commands.options import MIN_P  # part 5
from ruvon.commands.options import SEED  # part 5
from ruvon.commands.options import TEMPERATURE  # part 5
from ruvon.commands.options import THREADS
from ruvon.commands.options import TOP_K  # part 5
from ruvon.commands.options import TOP_P  # part 5
from ruvon.errors import RuvonError
from ruvon.sampling.params import SamplingParams
from ruvon.zoo import SHIPPED

if TYPE_CHECKING:
    from ruvon.client.remote import Remote
    from ruvon.llm import LLM

STORIES = (
    "{} is a small model of children's stories, and no assistant: it does not answer, it goes on.\n"
    "What you type becomes a line of a story, and the model tells the next ones."
)
BASE = "{} has no chat template: a base model, which goes on from what you write."
# A terminal obeys what a text has of control characters; here they are shown instead.
SHOWN = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
KEYS = "An empty line or Ctrl-D ends, Ctrl-C stops an answer, /help tells more."
HELP = """\
/new   forget what was said, and begin again
/quit  end; so do an empty line, Ctrl-D, and Ctrl-C at the prompt
/help  this
Ctrl-C during an answer stops it; what was said so far is kept."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chat")(chat)


def chat(
    url: str = typer.Option(
        None, "--url", help="Speak to this server, as http://127.0.0.1:8000, and load no model."
    ),
    model: str = typer.Option(
        None,
        "--model",
        "-m",
        help="A model that ships, a folder, or a Hub id; with --url, one of the server's. By "
        "default story, or the server's first.",
    ),
    api_key: str = typer.Option(
        None, "--api-key", envvar="RUVON_API_KEY", help="The key that the server wants."
    ),
    system: str = typer.Option(None, "--system", help="What the model is told before all else."),
    max_tokens: int = typer.Option(
        200, "--max-tokens", "-n", min=1, help="At most this many new tokens an answer."
    ),
    attention: str = typer.Option(None, "--attention", help="As in `ruvon run`."),
    device: str = DEVICE,
    dtype: str = DTYPE,
    linear: str = LINEAR,
    threads: int = THREADS,
    temperature: float = TEMPERATURE,  # part 5
    top_k: int = TOP_K,  # part 5
    top_p: float = TOP_P,  # part 5
    min_p: float = MIN_P,  # part 5
    seed: int = SEED,  # part 5
) -> None:
    """Talk with a model. Each line is a turn; lines may also come through a pipe."""
    fields: dict[str, Any] = {
        "max_tokens": max_tokens,
        "temperature": temperature,  # part 5
        "top_k": top_k,  # part 5
        "top_p": top_p,  # part 5
        "min_p": min_p,  # part 5
        "seed": seed,  # part 5
    }
    params = SamplingParams(**fields)
    terminal = sys.stdin.isatty()
    for stream in (sys.stdin, sys.stdout):  # what cannot be read or shown is shown as such
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if url is not None:
        remote = connect(url, api_key, model, fields)
        source: Source = remote
        greeting = [f"Talking with {remote.model} at {remote.url}."]
        greeting += [STORIES.format(remote.model)] if remote.model in SHIPPED else []
    else:
        from ruvon.llm import LLM

        model = model or "story"
        llm = LLM(
            model,
            device=device,
            dtype=dtype,
            attention=attention,
            linear=linear,
            threads=threads,
        )
        local = Local(llm, model, params)
        source = local
        greeting = [] if local.template else [(STORIES if model in SHIPPED else BASE).format(model)]
    if terminal:
        for line in (*greeting, KEYS):
            note(line)
    talk(Conversation(source, note, system), terminal)


def talk(conversation: Conversation, terminal: bool) -> None:
    """Turn after turn, until the user ends it. In a pipe, an error ends it too."""
    for line in lines(terminal):
        word = line.strip()
        if word == "/quit":
            return
        if word == "/new":
            conversation.forget()
            note("forgotten")
        elif word.startswith("/"):
            note(HELP if word == "/help" else f"there is no command {word}; /help lists what is")
        else:
            try:
                tell(conversation.say(line))
            except KeyboardInterrupt:
                print(flush=True)
                if not terminal:
                    raise
                note("stopped")
            except RuvonError as error:
                if not terminal:
                    raise
                note(f"error: {error}", style="red")


def lines(terminal: bool) -> Iterator[str]:
    """What the user says, line by line."""
    if not terminal:
        yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        return
    with suppress(ImportError):  # with it, the arrow keys edit a line and find earlier ones
        import readline  # noqa: F401
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if not line.strip():
            return
        yield line


def tell(pieces: Generator[str, None, None]) -> None:
    """Print an answer as it comes. However this ends, the answer ends too."""
    last = ""
    with closing(pieces):
        for piece in pieces:
            last = piece.translate(SHOWN)
            print(last, end="", flush=True)
    if not last:
        note("no answer: the model ended at once")
    elif not last.endswith("\n"):
        print(flush=True)


def note(text: str, style: str = "dim") -> None:
    """Say something beside the conversation."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, style=style, markup=False)


class Local:
    """A model in this process. Raises RuvonError for one that has no text."""

    def __init__(self, llm: "LLM", model: str, params: SamplingParams) -> None:
        from ruvon.chat_template import read_template
        from ruvon.zoo import locate

        if llm.tokenizer is None:
            raise RuvonError(f"{model} has no tokenizer, and a chat has to read text")
        self.llm = llm
        self.params = params
        self.template = read_template(locate(model))

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """The prompt that these messages are, as a server makes it."""
        from ruvon.chat_template import PLAIN
        from ruvon.chat_template import render

        return self.llm.encode(render(self.template or PLAIN, messages))

    def answer(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The next message, as its tokens are computed."""
        ids = self.ids(messages)
        if len(ids) > self.llm.context:
            raise TooLong(f"that has {len(ids):,} tokens; this model takes {self.llm.context:,}")
        for _, increment in self.llm.increments([ids], [self.params]):
            if increment.text:
                yield increment.text

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether there is room for an answer."""
        assert self.params.max_tokens is not None
        left = self.llm.context - len(self.ids(messages))
        return left >= room(self.llm.context, self.params.max_tokens)


def connect(url: str, api_key: str | None, model: str | None, fields: dict[str, Any]) -> "Remote":
    """A server to speak to. Raises RuvonError."""
    try:
        from ruvon.client.remote import Remote
    except ModuleNotFoundError as error:
        raise RuvonError(f"--url needs {error.name}: pip install 'ruvon[client]'") from None
    given = {name: value for name, value in fields.items() if value is not None}
    return Remote(url, api_key, model, **given)
