"""Part 4 · GET /docs: the API for people, from its own description, without a network."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi import Request
from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined
from markupsafe import Markup
from markupsafe import escape
from starlette.responses import HTMLResponse

from ruvon.server.errors import ERRORS
from ruvon.server.guard import OPEN
from ruvon.server.page import OWN
from ruvon.server.page import alone
from ruvon.server.page import source

Schema = dict[str, Any]

# What the examples send: what an endpoint needs, and what shows it best.
SAMPLES = {
    "prompt": "Once upon a time",
    "messages": [{"role": "user", "content": "A story, please."}],
    "tokens": [10, 20, 30],
}
SHOWN_TOO = {"max_tokens": 50, "stream": True}
# A schema's word for a bound, and ours.
BOUNDS = {
    "exclusiveMinimum": "over {}",
    "minimum": "from {}",
    "exclusiveMaximum": "under {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
}

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Field:
    """A field of a body or of an address."""

    name: str
    kind: Markup
    # Whether it has to be there, or what it is otherwise.
    note: str
    description: Markup


@dataclass(frozen=True)
class Object:
    """A schema with a name, to which others refer."""

    name: str
    description: Markup
    fields: list[Field]


@dataclass(frozen=True)
class Endpoint:
    """What one method does at one address."""

    method: str
    path: str
    summary: str
    description: Markup
    fields: list[Field]
    # A command line that works as it stands.
    example: str

    @property
    def anchor(self) -> str:
        """Its name in links."""
        return f"{self.method.lower()}{self.path}".replace("{", "").replace("}", "")


@router.api_route("/docs", methods=["GET", "HEAD"])
async def docs(request: Request) -> HTMLResponse:
    """The whole description, as a page."""
    state = request.app.state
    api = request.app.openapi()
    examples = Examples(str(request.base_url), state.service.name, state.door.api_key is not None)
    [style] = [text for kind, text in OWN.findall(source()) if kind == "style"]
    page = TEMPLATES.get_template("docs.html").render(
        style=Markup(style),
        about=api["info"]["description"],
        version=api["info"]["version"],
        endpoints=list(endpoints(api, examples)),
        objects=list(objects(api)),
        errors={status: told["description"] for status, told in ERRORS.items()},
    )
    return alone(page)


def endpoints(api: Schema, examples: "Examples") -> Iterator[Endpoint]:
    """Every endpoint, in the order of the app."""
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            body = body_of(api, operation)
            in_address = [
                field(one["name"], {**one["schema"], **one}, one["required"]) for one in parameters
            ]
            yield Endpoint(
                method.upper(),
                path,
                operation["summary"],
                prose(operation.get("description", "")),
                in_address + fields(body),
                examples.curl(method.upper(), path, parameters, body),
            )


def body_of(api: Schema, operation: Schema) -> Schema:
    """The schema of what is sent to an endpoint; an empty one where nothing is."""
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema = content.get("application/json", {}).get("schema", {})
    return named(api, schema["$ref"]) if "$ref" in schema else schema


def objects(api: Schema) -> Iterator[Object]:
    """The schemas that are no endpoint's own body."""
    schemas = api["components"]["schemas"]
    bodies = [body_of(api, one) for methods in api["paths"].values() for one in methods.values()]
    for name, schema in schemas.items():
        if schema not in bodies:
            yield Object(name, prose(schema.get("description", "")), fields(schema))


def fields(schema: Schema) -> list[Field]:
    """The fields of an object, those that are needed first."""
    needed = schema.get("required", [])
    made = [field(name, one, name in needed) for name, one in schema.get("properties", {}).items()]
    return sorted(made, key=lambda one: one.note != "required")


def field(name: str, schema: Schema, needed: bool) -> Field:
    """One field of an object."""
    default = schema.get("default")
    otherwise = f"{json.dumps(default)} by default" if default is not None else ""
    note = "required" if needed else otherwise
    return Field(name, kind(schema), note, prose(schema.get("description", "")))


def kind(schema: Schema) -> Markup:
    """What a value may be, in words, with links to the objects."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(", or ").join(kind(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return escape(" or ".join(json.dumps(value) for value in values))
    told = escape(schema.get("type", "anything"))
    if "items" in schema:
        told = Markup("list of ") + kind(schema["items"])
    elif isinstance(schema.get("additionalProperties"), dict):
        told += " of " + kind(schema["additionalProperties"])
    bounds = [words.format(plain(schema[key])) for key, words in BOUNDS.items() if key in schema]
    return told + escape(f" ({' '.join(bounds)})" if bounds else "")


def plain(bound: float) -> str:
    """A bound as one writes it: JSON's schemas have 16 as 16.0."""
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"


def prose(text: str) -> Markup:
    """A docstring's text, with what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def named(api: Schema, reference: str) -> Schema:
    """The schema that `#/components/schemas/Name` is."""
    found: Schema = api["components"]["schemas"][reference.rpartition("/")[2]]
    return found


@dataclass(frozen=True)
class Examples:
    """Command lines that ask this server."""

    address: str
    model: str
    has_key: bool

    def curl(self, method: str, path: str, parameters: list[Schema], body: Schema) -> str:
        """A command line for one endpoint."""
        words = ["curl"]
        for one in parameters:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", quote(self.model))
            elif one["required"]:
                words += ["-G", "--data-urlencode", f"{one['name']}={SAMPLES.get(one['name'])}"]
        words.insert(1, self.address + path.removeprefix("/"))
        if self.has_key and path not in OPEN:
            words += ["-H", "Authorization: Bearer KEY"]
        if method == "POST":
            words += ["-H", "Content-Type: application/json"]
            words += ["-d", json.dumps(sample(body), ensure_ascii=False)]
        if "stream" in path or "stream" in body.get("properties", {}):
            words.insert(1, "-N")
        return shlex.join(words).replace(" -H ", " \\\n  -H ").replace(" -d ", " \\\n  -d ")


def sample(body: Schema) -> Schema:
    """A body that an endpoint takes."""
    wanted = {name: SAMPLES.get(name) for name in body.get("required", [])}
    return wanted | {name: value for name, value in SHOWN_TOO.items() if name in body["properties"]}
