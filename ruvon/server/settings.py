"""Part 4 · Settings: one list of fields, from flags, the environment, files, and defaults.

Flags win over the environment, that over `.env`, that over the YAML file of `--config`, and that
over the defaults. A second name, such as TOP_K, stands behind every RUVON_ name: it may be there
for another program. Each value remembers where it came from.
"""

import os
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import Field
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal
from typing import get_type_hints

from ruvon.errors import RuvonError

PREFIX = "RUVON_"
DEFAULT = "default"
MOST_PROMPTS = 512  # that the schema of a request lets through

# As `ruvon.device` has them; this file is read without torch.
Dtype = Literal["auto", "float32", "float16", "bfloat16", "float64", "fp32", "fp16", "bf16"]


def setting(default: Any, help: str, env: str = "", **bounds: float) -> Any:
    """A field: its default, what it means, a second name in the environment, and its bounds."""
    metadata = {"help": help, "env": env, "bounds": bounds}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """All that `ruvon serve` can be told."""

    model: str = setting("story", "A model that ships, a folder, or a Hub id.", env="HF_MODEL")
    revision: str | None = setting(None, "A branch, tag or commit of a Hub id. By default main.")
    tokenizer: str | None = setting(None, "Whose vocabulary: a folder, or a Hub id. Else MODEL's.")
    served_model_name: str | None = setting(None, "What clients call it. By default MODEL.")
    host: str = setting("127.0.0.1", "Where to listen. 0.0.0.0 lets other machines in.")
    port: int = setting(8000, "The port. 0 takes a free one.", ge=0, le=65535)
    api_key: str | None = setting(None, "What clients have to show. By default nothing.")
    allow_origins: list[str] = setting([], "Pages that may call it, as http://localhost:3000.")
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps.")
    dtype: Dtype | None = setting(None, "float32 (fp32), float16, bfloat16. By default what suits.")
    max_model_len: int | None = setting(None, "The longest sequence, in tokens.", ge=1)
    attention: str | None = setting(None, "Which implementation of attention.")
    linear: str | None = setting(None, "dense, packed or native weights.")
    threads: int | None = setting(None, "Threads to compute with. By default one a core.", ge=1)
    chat_template: str | None = setting(None, "A Jinja file in the place of the model's own.")
    max_new_tokens: int = setting(
        64, "New tokens of the teaching endpoints by default.", env="MAX_NEW_TOKENS", ge=1
    )
    temperature: float = setting(  # part 5
        1.0, "Temperature of the teaching endpoints.", env="TEMPERATURE", ge=0, le=100
    )
    top_k: int = setting(0, "Their top-k; 0: off.", env="TOP_K", ge=-1)  # part 5
    top_p: float = setting(1.0, "Their top-p; 1: off.", env="TOP_P", gt=0, le=1)  # part 5
    seed: int | None = setting(  # part 5
        None, "Their seed. By default a new one each time.", env="SEED", ge=-(2**63), lt=2**64
    )
    strategy: str | None = setting(
        None, "How requests run: direct, sequential, or a newer one; by default the newest."
    )  # part 6
    max_num_seqs: int = setting(256, "Sequences that run at once.", ge=1)  # part 7
    max_num_batched_tokens: int | None = setting(  # part 8
        None, "Tokens in a step. By default 512 on a CPU, else 8192.", ge=1
    )
    max_queue: int = setting(1024, "Requests that may wait before 429.", ge=1)  # part 6
    stall_timeout: float | None = setting(  # part 6
        None, "Seconds without a step until /health is 503. By default 60 on a CPU, else 10.", gt=0
    )
    max_logprobs: int = setting(20, "Most tokens scored in a place.", ge=0, le=1024)  # part 10
    max_prompts: int = setting(512, "The most prompts of one request.", ge=1, le=MOST_PROMPTS)
    max_prompt_tokens: int | None = setting(None, "The longest prompt. Else what fits.", ge=1)
    max_body_bytes: int = setting(4 * 2**20, "The largest body of a request.", ge=1)
    body_timeout: float = setting(30.0, "Seconds for a request's body to arrive.", gt=0)
    shutdown_timeout: float = setting(30.0, "Seconds for accepted requests after SIGTERM.", ge=0)
    keep_alive: int = setting(5, "Seconds that an idle connection is kept.", ge=0)
    log_level: Literal["error", "warning", "info", "debug"] = setting(
        "info", "error, warning, info, debug."
    )
    log_format: Literal["text", "json"] = setting("text", "text, or json: an object a line.")


@dataclass(frozen=True)
class Resolved:
    """Settings, and where each value came from."""

    settings: Settings
    sources: dict[str, str]

    def printed(self) -> str:
        """The settings as YAML, with their sources; a key is not shown."""
        import yaml

        lines = []
        for one in fields(Settings):
            value = getattr(self.settings, one.name)
            if one.name == "api_key" and value is not None:
                value = "***"
            told = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
            lines.append(f"{f'{one.name}: {told}':40}  # {self.sources[one.name]}")
        return "\n".join(lines)


def resolve(
    flags: Mapping[str, Any],
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
) -> Resolved:
    """Settings from all sources. Raises RuvonError, which names the source of what is wrong."""
    environment = os.environ if environment is None else environment
    written = read_dotenv(dotenv) if dotenv else {}
    layers = [
        read_yaml(config) if config else {},
        from_environment(written, str(dotenv), second_name),
        from_environment(environment, "environment", second_name),
        from_environment(written, str(dotenv), own_name),
        from_environment(environment, "environment", own_name),
        {name: (value, "flag") for name, value in flags.items() if value not in (None, [], ())},
    ]
    values: dict[str, Any] = {}
    sources = {one.name: DEFAULT for one in fields(Settings)}
    for layer in layers:
        for name, (value, source) in layer.items():
            values[name], sources[name] = value, source
    types = get_type_hints(Settings)
    found = {
        one.name: checked(one, types[one.name], values[one.name], sources[one.name])
        for one in fields(Settings)
        if one.name in values
    }
    return Resolved(Settings(**found), sources)


def checked(one: "Field[Any]", type: Any, value: Any, source: str) -> Any:
    """A value of a field's type and within its bounds. Raises RuvonError."""
    import pydantic

    bounds = pydantic.Field(**one.metadata["bounds"])
    try:
        return pydantic.TypeAdapter(Annotated[type, bounds]).validate_python(value)
    except pydantic.ValidationError as error:
        said = error.errors()[0]["msg"]
        raise RuvonError(f"{one.name} ({source}) is {value!r}: {said}") from None


def read_dotenv(path: Path) -> dict[str, str]:
    """The values of a .env file, by their names in the environment."""
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def read_yaml(path: Path) -> dict[str, tuple[Any, str]]:
    """The values of a YAML file. Raises RuvonError for a key that is none, with the nearest."""
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise RuvonError(f"{path} cannot be read: {error}") from None
    if not isinstance(raw, dict):
        raise RuvonError(f"{path} holds {type(raw).__name__}, and should hold keys and values")
    known = [one.name for one in fields(Settings)]
    found: dict[str, tuple[Any, str]] = {}
    for key, value in raw.items():
        name = str(key).replace("-", "_")
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise RuvonError(f"{path}: there is no setting {key!r}; {hint}")
        found[name] = (value, str(path))
    return found


def own_name(one: "Field[Any]") -> str:
    """A setting's name in the environment, as RUVON_PORT."""
    return f"{PREFIX}{one.name.upper()}"


def second_name(one: "Field[Any]") -> str:
    """The name that other programs use for the same, as HF_MODEL; or nothing."""
    return str(one.metadata["env"])


def from_environment(
    values: Mapping[str, str], source: str, name_of: Callable[["Field[Any]"], str]
) -> dict[str, tuple[Any, str]]:
    """What the environment says, under one of the two names that a setting may have there."""
    found: dict[str, tuple[Any, str]] = {}
    for one in fields(Settings):
        name = name_of(one)
        if name and values.get(name):
            text = values[name]
            value: Any = text.split(",") if one.name == "allow_origins" else text
            found[one.name] = (value, f"{source}, {name}")
    return found
