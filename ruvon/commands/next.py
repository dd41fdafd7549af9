"""Part 1 · `ruvon next`: what the model thinks comes next."""

import typer

from ruvon.commands.options import DEVICE
from ruvon.commands.options import DTYPE
from ruvon.commands.options import MODEL


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("next")(next_tokens)


def next_tokens(
    prompt: str = typer.Argument(..., help="The text before the next token."),
    model: str = MODEL,
    top: int = typer.Option(5, "--top", min=1, max=1000, help="How many candidates to show."),
    device: str = DEVICE,
    dtype: str = DTYPE,
) -> None:
    """Show the likeliest next tokens after PROMPT."""
    import torch
    from rich.console import Console
    from rich.table import Table

    from ruvon.attention.full import FullAttention
    from ruvon.device import pick_device
    from ruvon.device import pick_dtype
    from ruvon.errors import RuvonError
    from ruvon.models import load_model
    from ruvon.tokenizer import Tokenizer
    from ruvon.zoo import locate

    folder, where = locate(model), pick_device(device)
    tokenizer = Tokenizer.from_dir(folder)
    network = load_model(folder, pick_dtype(dtype, where), where)
    ids = tokenizer.encode(prompt)
    if not 1 <= len(ids) <= network.context:
        raise RuvonError(f"the prompt has {len(ids):,} tokens; give 1 to {network.context:,}")
    tokens = torch.tensor(ids, device=where)
    with torch.inference_mode():
        hidden = network(tokens, torch.arange(len(ids), device=where), FullAttention())
        chances = network.logits(hidden[-1:]).softmax(-1)[0]
    table = Table(title=f"after {len(ids)} token{'s' * (len(ids) != 1)}", title_justify="left")
    table.add_column("probability", justify="right")
    table.add_column("id", justify="right")
    table.add_column("token")
    best = chances.topk(min(top, chances.numel()))
    for chance, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        table.add_row(f"{chance:.1%}", str(token), repr(tokenizer.decode([token])))
    Console().print(table)
