"""Part 1 · `ruvon convert`: a pickle's weights as safetensors."""

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(folder: Path = typer.Argument(..., help="A folder with pytorch_model.bin.")) -> None:
    """Write model.safetensors beside a pickle, reading weights only, in a separate process."""
    from ruvon.models.convert import convert as work

    target = work(folder)
    print(f"wrote {target} ({target.stat().st_size / 1e6:,.1f} MB); the pickle is still there")
