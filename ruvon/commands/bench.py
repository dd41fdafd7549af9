"""Part 3 · `ruvon bench`: decode, prefill, roofline."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from ruvon.commands.options import DEVICE
from ruvon.commands.options import DTYPE
from ruvon.commands.options import LINEAR
from ruvon.commands.options import MODEL
from ruvon.commands.options import THREADS

if TYPE_CHECKING:
    from ruvon.bench.single import Result

SHAPE = typer.Option(
    None, "--shape", help="Random weights: gpt2, gpt2-medium, gpt2-large, gpt2-xl."
)
JSON = typer.Option(False, "--json", help="Print JSON with raw samples, versions and machine.")
REPEATS = typer.Option(5, "--repeats", min=1, help="How many times; the median is shown.")
ATTENTION = typer.Option(None, "--attention", help="full, cached, native. The newest by default.")

bench = typer.Typer(help="Measure this machine, beside the least that it could take.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench", no_args_is_help=True)


@bench.command()
def decode(
    model: str = MODEL,
    shape: str = SHAPE,
    prompt_tokens: int = typer.Option(128, "--prompt-tokens", min=1),
    new_tokens: int = typer.Option(128, "--new-tokens", min=2),
    repeats: int = REPEATS,
    attention: str = ATTENTION,
    device: str = DEVICE,
    dtype: str = DTYPE,
    linear: str = LINEAR,
    threads: int = THREADS,
    as_json: bool = JSON,
) -> None:
    """Tokens a second of one request, once its prompt is read."""
    from ruvon.bench.single import bench_decode
    from ruvon.bench.single import open_model
    from ruvon.device import pick_device
    from ruvon.device import pick_dtype
    from ruvon.processor import use_processor

    use_processor(threads)
    where = pick_device(device)
    network, config = open_model(model, shape, pick_dtype(dtype, where), where, linear)
    fits(prompt_tokens + new_tokens - 1, network.context)
    name = shape or model
    result = bench_decode(network, config, name, prompt_tokens, new_tokens, repeats, attention)
    show(result, "ruvon bench decode", as_json)


@bench.command()
def prefill(
    model: str = MODEL,
    shape: str = SHAPE,
    prompt_tokens: int = typer.Option(512, "--prompt-tokens", min=1),
    repeats: int = REPEATS,
    attention: str = ATTENTION,
    device: str = DEVICE,
    dtype: str = DTYPE,
    linear: str = LINEAR,
    threads: int = THREADS,
    as_json: bool = JSON,
) -> None:
    """How long one prompt takes until its first new token."""
    from ruvon.bench.single import bench_prefill
    from ruvon.bench.single import open_model
    from ruvon.device import pick_device
    from ruvon.device import pick_dtype
    from ruvon.processor import use_processor

    use_processor(threads)
    where = pick_device(device)
    network, config = open_model(model, shape, pick_dtype(dtype, where), where, linear)
    fits(prompt_tokens, network.context)
    result = bench_prefill(network, config, shape or model, prompt_tokens, repeats, attention)
    show(result, "ruvon bench prefill", as_json)


@bench.command()
def roofline(
    megabytes: int = typer.Option(250, "--megabytes", min=1, help="The block that is read."),
    device: str = DEVICE,
    dtype: str = DTYPE,
    threads: int = THREADS,
    as_json: bool = JSON,
) -> None:
    """What this machine can do at best: memory speed and matrix products."""
    from ruvon.bench.floor import measure_machine
    from ruvon.bench.record import record
    from ruvon.device import pick_device
    from ruvon.device import pick_dtype
    from ruvon.processor import use_processor

    use_processor(threads)
    where = pick_device(device)
    form = pick_dtype(dtype, where)
    machine = measure_machine(where, form, megabytes * 1_000_000)
    if as_json:
        print(json.dumps(record("ruvon bench roofline", asdict(machine))))
        return
    table = Table(title=f"{where}, {str(form).removeprefix('torch.')}", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_row(f"reading {megabytes} MB", f"{machine.bandwidth / 1e9:,.1f} GB/s")
    table.add_row("matrix product 2048 x 2048", f"{machine.flops / 1e9:,.0f} GFLOP/s")
    Console().print(table)


def fits(tokens: int, context: int) -> None:
    """Refuse a workload that the model has no positions for."""
    from ruvon.errors import RuvonError

    if tokens > context:
        raise RuvonError(f"this needs {tokens:,} positions; the model has {context:,}")


def show(result: "Result", command: str, as_json: bool) -> None:
    """Print one result, as a table or with everything behind it."""
    if as_json:
        from ruvon.bench.record import record

        print(json.dumps(record(command, asdict(result))))
        return
    low, high = min(result.samples), max(result.samples)
    table = Table(
        title=f"{result.what}: {result.model}, {result.dtype} on {result.device}, "
        f"{result.threads} threads, {result.linear} weights",
        title_justify="left",
        show_header=False,
    )
    per = "a token" if result.what == "decode" else "a prompt"
    table.add_row("prompt, new tokens", f"{result.prompt_tokens}, {result.new_tokens}")
    table.add_row("tokens a second", f"{result.tokens_per_second:,.1f}")
    table.add_row(
        f"milliseconds {per}",
        f"{result.seconds * 1e3:,.2f}  ({low * 1e3:,.2f} to {high * 1e3:,.2f})",
    )
    if result.operators:
        table.add_row("PyTorch operators a step", f"{result.operators}")
    table.add_row("floor, milliseconds", f"{result.floor * 1e3:,.2f}")
    table.add_row("share of the floor", f"{result.share:.0%}")
    Console().print(table)
