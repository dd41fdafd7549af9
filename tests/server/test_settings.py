"""Settings: which source wins, what is refused, and that every field is used."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ruvon.cli import app
from ruvon.commands import serve
from ruvon.errors import RuvonError
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


def test_second_names_in_the_environment_lose_to_the_first(tmp_path):
    environment = {"HF_MODEL": "gpt2", "MAX_NEW_TOKENS": "9"}
    settings = made(tmp_path, environment=environment).settings
    assert (settings.model, settings.max_new_tokens) == ("gpt2", 9)
    environment["RUVON_MODEL"] = "story-nano"
    assert made(tmp_path, environment=environment).settings.model == "story-nano"


def test_lists_and_dashes(tmp_path):
    assert made(tmp_path, yaml="allow-origins: [a, b]").settings.allow_origins == ["a", "b"]
    environment = {"RUVON_ALLOW_ORIGINS": "a,b"}
    assert made(tmp_path, environment=environment).settings.allow_origins == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"yaml": "prot: 5"}, "there is no setting 'prot'; did you mean port?"),
        ({"yaml": "zzzzz: 5"}, "there is no setting 'zzzzz'; known: model, served_model_name"),
        ({"yaml": "- 5"}, "holds list, and should hold keys and values"),
        ({"yaml": "port: [1"}, "cannot be read"),
        ({"yaml": "port: x"}, r"port \(.*settings.yaml\) is 'x': Input should be a valid integer"),
        ({"environment": {"RUVON_PORT": "70000"}}, r"port \(environment, RUVON_PORT\) is '70000'"),
        ({"shutdown_timeout": -1.0}, r"shutdown_timeout \(flag\) is -1.0"),
        ({"log_level": "loud"}, r"log_level \(flag\) is 'loud'"),
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


def test_every_setting_is_used_and_has_its_flag():
    used = Path(serve.__file__).read_text()
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).stdout
    for one in fields(Settings):
        assert f"settings.{one.name}" in used, one.name
        assert one.name == "model" or f"--{one.name.replace('_', '-')}" in shown
        assert one.metadata["help"]


@pytest.fixture(scope="module", autouse=True)
def commands():
    """`ruvon` registers its commands when it runs."""
    if not any(command.name == "serve" for command in app.registered_commands):
        serve.register(app)
