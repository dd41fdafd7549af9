"""Part 4 · `ruvon serve`: a model answers over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ruvon.commands.options import DEVICE
from ruvon.commands.options import DTYPE
from ruvon.commands.options import LINEAR
from ruvon.commands.options import THREADS
from ruvon.errors import RuvonError

if TYPE_CHECKING:
    from ruvon.llm import LLM
    from ruvon.server.service import Service


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    model: str = typer.Argument("story", help="A model that ships, a folder, or a Hub id."),
    host: str = typer.Option("127.0.0.1", "--host", help="0.0.0.0 lets other machines in."),
    port: int = typer.Option(8000, "--port", min=0, max=65535, help="0 takes a free one."),
    served_model_name: str = typer.Option(
        None, "--served-model-name", help="What clients call it; MODEL if nothing is said."
    ),
    max_model_len: int = typer.Option(
        None, "--max-model-len", min=1, help="The longest sequence, in tokens."
    ),
    api_key: str = typer.Option(None, "--api-key", help="What clients have to show, if anything."),
    shutdown_timeout: float = typer.Option(
        30.0, "--shutdown-timeout", min=0, help="Seconds for accepted requests after SIGTERM."
    ),
    attention: str = typer.Option(None, "--attention", help="Which implementation of attention."),
    device: str = DEVICE,
    dtype: str = DTYPE,
    linear: str = LINEAR,
    threads: int = THREADS,
) -> None:
    """Serve MODEL over HTTP, in OpenAI's format. /docs describes what there is."""
    try:
        from ruvon.server.app import create_app
        from ruvon.server.guard import Door
        from ruvon.server.run import run
    except ModuleNotFoundError as error:
        raise RuvonError(f"the server needs {error.name}: pip install 'ruvon[server]'") from None
    from ruvon.llm import LLM
    from ruvon.zoo import locate

    llm = LLM(
        model,
        device=device,
        dtype=dtype,
        attention=attention,
        max_model_len=max_model_len,
        linear=linear,
        threads=threads,
    )
    served = service(llm, served_model_name or model, locate(model))
    app = create_app(served, Door(api_key=api_key))
    run(app, host=host, port=port, shutdown_timeout=shutdown_timeout)


def service(llm: "LLM", name: str, folder: Path) -> "Service":
    """What the routes serve: a model behind a backend that runs one request at a time."""
    from ruvon.engine.direct import Direct
    from ruvon.server.chat import read_template
    from ruvon.server.service import Service

    if llm.tokenizer is None:
        raise RuvonError(f"{name} has no tokenizer, and a server has to read text")
    direct = Direct(lambda r: (got for _, got in llm.increments([[*r.prompt]], [r.params])))
    return Service(
        name,
        llm.tokenizer,
        llm.context,
        llm.model.vocabulary,
        direct,
        chat_template=read_template(folder),
        device=str(llm.model.device),
    )
