"""Part 4 · `ruvon serve`: a model answers over HTTP."""

from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter
from inspect import Signature
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import get_type_hints

import typer

from ruvon.errors import RuvonError

if TYPE_CHECKING:
    from ruvon.engine.backend import Backend
    from ruvon.llm import LLM
    from ruvon.server.service import Service
    from ruvon.server.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(with_flags(serve))


def serve(config: Path | None, print_config: bool, **flags: Any) -> None:
    """Serve MODEL over HTTP, in OpenAI's format. /docs describes what there is.

    Flags win over RUVON_ variables, those over .env, and that over the file of --config.
    """
    from ruvon.server.settings import resolve

    dotenv = Path(".env")
    try:
        resolved = resolve(flags, config, dotenv=dotenv if dotenv.is_file() else None)
        if print_config:
            print(resolved.printed())
            return
        run(resolved.settings)
    except ModuleNotFoundError as error:
        raise RuvonError(f"the server needs {error.name}: pip install 'ruvon[server]'") from None


def run(settings: "Settings") -> None:
    """Load the model, and serve it until a signal comes."""
    from ruvon.llm import LLM
    from ruvon.server.app import create_app
    from ruvon.server.guard import Door
    from ruvon.server.run import run as serve_app

    llm = LLM(
        settings.model,
        device=settings.device,
        dtype=settings.dtype,
        attention=settings.attention,
        max_model_len=settings.max_model_len,
        linear=settings.linear,
        threads=settings.threads,
        tokenizer=settings.tokenizer,
        revision=settings.revision,
        strategy=settings.strategy,  # part 6
        max_num_seqs=settings.max_num_seqs,  # part 7
        max_num_batched_tokens=settings.max_num_batched_tokens,  # part 8
    )
    door = Door(
        api_key=settings.api_key,
        body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_timeout,
    )
    app = create_app(service(llm, settings), door, settings.allow_origins)
    served = app.state.service
    serve_app(
        app,
        host=settings.host,
        port=settings.port,
        shutdown_timeout=settings.shutdown_timeout,
        keep_alive=settings.keep_alive,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )
    served.backend.close()


def service(llm: "LLM", settings: "Settings") -> "Service":
    """What the routes serve: a model behind a backend."""
    from ruvon.chat_template import read_template
    from ruvon.server.service import Service
    from ruvon.zoo import locate

    if llm.tokenizer is None:
        raise RuvonError(
            f"{settings.model} has no tokenizer, and a server has to read text; "
            "name the folder of one with --tokenizer"
        )
    if settings.tokenizer is not None:  # a template goes with a vocabulary
        folder = locate(settings.tokenizer)
    else:
        folder = locate(settings.model, settings.revision)
    return Service(
        settings.served_model_name or settings.model,
        llm.tokenizer,
        llm.context,
        llm.model.vocabulary,
        backend(llm, settings),
        chat_template=read_template(folder, settings.chat_template),
        device=str(llm.model.device),
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,  # part 5
        top_k=settings.top_k,  # part 5
        top_p=settings.top_p,  # part 5
        seed=settings.seed,  # part 5
        most_logprobs=settings.max_logprobs,  # part 10
        most_prompts=settings.max_prompts,
        most_prompt_tokens=settings.max_prompt_tokens,
    )


def backend(llm: "LLM", settings: "Settings") -> "Backend":
    """What computes: an engine in a thread, or without one a request at a time."""
    from ruvon.engine.direct import Direct

    if llm.strategy != "direct":  # part 6
        return engine_backend(llm, settings)
    return Direct(
        lambda request: llm.run(
            [*request.prompt],
            request.params,
            request.choice,  # part 5
        )
    )


def engine_backend(llm: "LLM", settings: "Settings") -> "Backend":  # part 6
    """An engine in a thread of its own."""
    from ruvon.engine.async_engine import AsyncEngine

    patience = settings.stall_timeout
    if patience is None:
        patience = 60.0 if llm.model.device.type == "cpu" else 10.0
    return AsyncEngine(llm.new_engine(), max_queue=settings.max_queue, stall_timeout=patience)


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """A command with a flag for each field of Settings. What is not given is None."""
    from ruvon.server.settings import Settings

    types = get_type_hints(Settings)
    options: dict[str, tuple[Any, Any]] = {}
    for one in fields(Settings):
        told = one.metadata["help"]
        if one.name == "model":
            options[one.name] = (str, typer.Argument(None, metavar="MODEL", help=told))
        else:
            kind = plain(types[one.name])
            flag = f"--{one.name.replace('_', '-')}"
            options[one.name] = (kind, typer.Option(None, flag, help=told))
    options["config"] = (Path, typer.Option(None, "--config", help="A YAML file of settings."))
    shown = "Print what would be used, and where it is from."
    options["print_config"] = (bool, typer.Option(False, "--print-config", help=shown))
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {name: kind for name, (kind, _) in options.items()}
    return command


def plain(type: Any) -> Any:
    """The type of a flag, for what is checked later: a number, a list of texts, or a text."""
    for kind in (int, float):
        if type in (kind, kind | None):
            return kind
    return list[str] if type == list[str] else str
