"""Settings: which source wins, what is refused, and that every field is used."""

import ast
import inspect
import re
from dataclasses import fields
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from typer.testing import CliRunner

from ruvon import llm
from ruvon import zoo
from ruvon.cli import app
from ruvon.commands import serve
from ruvon.device import DTYPES
from ruvon.errors import RuvonError
from ruvon.sampling.params import BOUNDS
from ruvon.server import schemas
from ruvon.server.errors import APIError
from ruvon.server.settings import MOST_PROMPTS
from ruvon.server.settings import Dtype
from ruvon.server.settings import Settings
from ruvon.server.settings import resolve

ROOT = Path(__file__).parents[2]


def made(tmp_path, yaml="", dotenv="", environment=None, **flags):
    (tmp_path / "settings.yaml").write_text(yaml)
    (tmp_path / ".env").write_text(dotenv)
    files = {"config": tmp_path / "settings.yaml", "dotenv": tmp_path / ".env"}
    return resolve(flags, environment=environment or {}, **files)


def test_flags_over_environment_over_dotenv_over_yaml_over_defaults(tmp_path):
    layers = [
        ({}, 8000, "default"),
        ({"yaml": "port: 1"}, 1, str(tmp_path / "settings.yaml")),
        ({"dotenv": "RUVON_PORT=2"}, 2, f"{tmp_path / '.env'}, RUVON_PORT"),
        ({"environment": {"RUVON_PORT": "3"}}, 3, "environment, RUVON_PORT"),
        ({"port": 4}, 4, "flag"),
    ]
    given = {}
    for layer, port, source in layers:
        given |= layer
        resolved = made(tmp_path, **given)
        assert (resolved.settings.port, resolved.sources["port"]) == (port, source)


SECOND = {
    "HF_MODEL": ("model", "gpt2"),
    "MAX_NEW_TOKENS": ("max_new_tokens", 9),
    "TEMPERATURE": ("temperature", 0.5),
    "TOP_K": ("top_k", 40),
    "TOP_P": ("top_p", 0.9),
    "SEED": ("seed", 7),
}


def test_second_names_in_the_environment_are_read(tmp_path):
    environment = {name: str(value) for name, (_, value) in SECOND.items()}
    assert {one.metadata["env"] for one in fields(Settings)} - {""} == set(SECOND)
    for given in (
        {"environment": environment},
        {"dotenv": "\n".join(map("=".join, environment.items()))},
    ):
        settings = made(tmp_path, yaml="seed: 1\nmodel: other", **given).settings
        for field, value in SECOND.values():
            assert getattr(settings, field) == value


@pytest.mark.parametrize("first", ["environment", "dotenv"])
def test_second_names_lose_to_every_first_one(tmp_path, first):
    """They may be there for another program."""
    environment = {"HF_MODEL": "gpt2", "SEED": "1", "TOP_K": ""}
    own = {"RUVON_MODEL": "story-nano", "RUVON_SEED": "2"}
    given = {"environment": environment}
    if first == "environment":
        environment |= own
    else:
        given["dotenv"] = "\n".join(map("=".join, own.items()))
    settings = made(tmp_path, **given).settings
    assert (settings.model, settings.seed, settings.top_k) == ("story-nano", 2, 0)


def test_lists_and_dashes(tmp_path):
    assert made(tmp_path, yaml="allow-origins: [a, b]").settings.allow_origins == ["a", "b"]
    environment = {"RUVON_ALLOW_ORIGINS": "a,b"}
    assert made(tmp_path, environment=environment).settings.allow_origins == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"yaml": "prot: 5"}, "there is no setting 'prot'; did you mean port?"),
        ({"yaml": "zzzzz: 5"}, "there is no setting 'zzzzz'; known: model, revision"),
        ({"yaml": "- 5"}, "holds list, and should hold keys and values"),
        ({"yaml": "port: [1"}, "cannot be read"),
        ({"yaml": "port: x"}, r"port \(.*settings.yaml\) is 'x': Input should be a valid integer"),
        ({"environment": {"RUVON_PORT": "70000"}}, r"port \(environment, RUVON_PORT\) is '70000'"),
        ({"shutdown_timeout": -1.0}, r"shutdown_timeout \(flag\) is -1.0"),
        ({"log_level": "loud"}, r"log_level \(flag\) is 'loud'"),
        ({"environment": {"TOP_P": "0"}}, r"top_p \(environment, TOP_P\) is '0'"),
        ({"max_prompts": 513}, r"max_prompts \(flag\) is 513: .* less than or equal to 512"),
        ({"body_timeout": 0.0}, r"body_timeout \(flag\) is 0.0"),
        ({"dtype": "int3"}, r"dtype \(flag\) is 'int3': .*'float32'.*'fp32'"),
    ],
)
def test_what_is_wrong_is_named_with_its_source(tmp_path, source, words):
    with pytest.raises(RuvonError, match=words):
        made(tmp_path, **source)


def test_the_printed_settings_can_be_read_again_and_hide_the_key(tmp_path):
    resolved = made(tmp_path, api_key="secret", port=5, allow_origins=["http://a:1"])
    printed = resolved.printed()
    assert "secret" not in printed
    assert "# flag" in printed
    again = made(tmp_path, yaml=printed.replace("'***'", "secret"))
    assert again.settings == resolved.settings


def test_the_example_is_read_as_it_stands_and_names_only_what_there_is():
    text = (ROOT / ".env.example").read_text()
    names = re.findall(r"^(?:# )?(RUVON_\w+)=", text, re.MULTILINE)
    known = {f"RUVON_{one.name.upper()}" for one in fields(Settings)}
    assert names and set(names) <= known
    resolved = resolve({}, environment={}, dotenv=ROOT / ".env.example")
    assert resolved.settings == Settings()
    assert resolved.sources["port"] == f"{ROOT / '.env.example'}, RUVON_PORT"


def test_what_a_model_can_be_told_is_told(monkeypatch):
    """`LLM` takes the same words as `serve`."""
    told = {}

    def stub(model, **keywords):
        told.update(keywords, model=model)
        raise RuvonError("loaded no further")

    words = set(inspect.signature(llm.LLM).parameters)
    monkeypatch.setattr(llm, "LLM", stub)
    settings = Settings("gpt2", "v2", "folder", dtype="fp16", threads=3, max_model_len=9)
    with pytest.raises(RuvonError, match="loaded no further"):
        serve.run(settings)
    assert told == {name: getattr(settings, name) for name in words}


def test_the_template_is_looked_for_where_the_vocabulary_is(monkeypatch):
    asked = []

    def stub(*name):
        asked.append(name)
        raise RuvonError("looked no further")

    monkeypatch.setattr(zoo, "locate", stub)
    for settings in (Settings("gpt2", "v2"), Settings("gpt2", "v2", "folder")):
        with pytest.raises(RuvonError, match="looked no further"):
            serve.service(SimpleNamespace(tokenizer=object()), settings)
    assert asked == [("gpt2", "v2"), ("folder",)]


def test_what_stands_in_two_places_is_the_same():
    """This file of settings is read without torch and pydantic; theirs are the originals."""
    assert set(get_args(Dtype)) == {"auto", *DTYPES}
    assert MOST_PROMPTS == schemas.MOST_PROMPTS == Settings().max_prompts
    bounds = {one.name: one.metadata["bounds"] for one in fields(Settings)}
    assert tuple(bounds["temperature"].values()) == BOUNDS["temperature"]
    assert tuple(bounds["top_p"].values()) == BOUNDS["top_p"]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (["a"] * 3, "3 prompts, and this server takes 2 a request"),
        ([[1], [2], [3]], "3 prompts, and this server takes 2 a request"),
        ([1, 2, 3, 4, 5], "the prompt has 5 tokens, and this server takes 4 a prompt"),
        (["a", "Once upon a time there was"], "tokens, and this server takes 4 a prompt"),
    ],
)
def test_a_service_has_limits_of_its_own(short_service, prompt, words):
    limited = replace(short_service, most_prompts=2, most_prompt_tokens=4)
    with pytest.raises(APIError, match=words) as caught:
        limited.prompts(prompt)
    assert (caught.value.status, caught.value.param) == (400, "prompt")
    assert len(limited.prompts(["a", [1, 2, 3, 4]])) == 2
    assert len(limited.prompts([1, 2, 3, 4])) == 1


def test_every_setting_is_used_and_has_its_flag():
    tree = ast.parse(Path(serve.__file__).read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (isinstance(node.value, ast.Name) and node.value.id == "settings")
    }
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).stdout
    for one in fields(Settings):
        assert one.name in used
        assert one.name == "model" or f"--{one.name.replace('_', '-')}" in shown
        assert one.metadata["help"]


@pytest.fixture(scope="module", autouse=True)
def commands():
    """`ruvon` registers its commands when it runs."""
    if not any(command.name == "serve" for command in app.registered_commands):
        serve.register(app)
