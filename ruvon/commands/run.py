"""Part 2 · `ruvon run`: continue a text, and watch it come."""

import sys
import time
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from ruvon.commands.options import DEVICE
from ruvon.commands.options import DTYPE
from ruvon.commands.options import LINEAR  # part 3
from ruvon.commands.options import MIN_P  # part 5
from ruvon.commands.options import MODEL
from ruvon.commands.options import SEED  # part 5
from ruvon.commands.options import TEMPERATURE  # part 5
from ruvon.commands.options import THREADS  # part 3
from ruvon.commands.options import TOP_K  # part 5
from ruvon.commands.options import TOP_P  # part 5
from ruvon.errors import RuvonError
from ruvon.sampling.params import SamplingParams

if TYPE_CHECKING:
    from ruvon.llm import LLM


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    context: typer.Context,
    prompt: str = typer.Argument(None, help="The beginning. Without one, a prompt opens."),
    model: str = MODEL,
    max_tokens: int = typer.Option(
        200, "--max-tokens", "-n", min=1, help="At most this many new tokens."
    ),
    attention: str = typer.Option(
        None, "--attention", help="Which implementation of attention. The newest by default."
    ),
    device: str = DEVICE,
    dtype: str = DTYPE,
    linear: str = LINEAR,  # part 3
    threads: int = THREADS,  # part 3
    temperature: float = TEMPERATURE,  # part 5
    top_k: int = TOP_K,  # part 5
    top_p: float = TOP_P,  # part 5
    min_p: float = MIN_P,  # part 5
    seed: int = SEED,  # part 5
) -> None:
    """Continue PROMPT, token by token."""
    if prompt is None and not sys.stdin.isatty():
        print(context.get_help())
        raise typer.Exit
    from ruvon.llm import LLM

    llm = LLM(
        model,
        device=device,
        dtype=dtype,
        attention=attention,
        linear=linear,  # part 3
        threads=threads,  # part 3
    )
    params = SamplingParams(
        max_tokens=max_tokens,
        temperature=temperature,  # part 5
        top_k=top_k,  # part 5
        top_p=top_p,  # part 5
        min_p=min_p,  # part 5
        seed=seed,  # part 5
    )
    if prompt is not None:
        tell(llm, prompt, params)
    else:
        converse(llm, params)


def tell(llm: "LLM", prompt: str, params: SamplingParams) -> None:
    """Stream one continuation to the terminal, and its pace to stderr."""
    note = Console(stderr=True, highlight=False)
    first, count, started = 0.0, 0, time.perf_counter()
    stream = llm.stream(prompt, params)
    try:
        for piece in stream:
            if not count:
                first = time.perf_counter() - started
                print(prompt, end="")
            count += 1
            print(piece, end="", flush=True)
    except KeyboardInterrupt:
        note.print(" (stopped)", style="dim", end="")
    seconds = time.perf_counter() - started
    print()
    pace = f", then {(count - 1) / (seconds - first):,.0f} a second" if count > 1 else ""
    where = f"on {llm.model.device}, {str(llm.model.dtype).removeprefix('torch.')}"
    note.print(f"{count} pieces {where}; first after {first * 1000:.0f} ms{pace}", style="dim")


def converse(llm: "LLM", params: SamplingParams) -> None:
    """Ask for beginnings until there are none."""
    note = Console(stderr=True, highlight=False)
    note.print("Type a beginning and press Enter. An empty line, or Ctrl-D, ends.", style="dim")
    while True:
        try:
            prompt = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if not prompt:
            return
        try:
            tell(llm, prompt, params)
        except RuvonError as error:
            note.print("error:", str(error), style="red", markup=False)
