"""The description of the API is true: what it allows is served, what it forbids is a 400."""

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import seed
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from ruvon.server.app import create_app

# Described without a model, to have a test for each operation.
PATHS = create_app(None).openapi()["paths"]
OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in methods]
WITH_INPUT = [  # any text can stand in a path
    (path, method)
    for path, method in OPERATIONS
    if "requestBody" in PATHS[path][method]
    or any(one["in"] == "query" for one in PATHS[path][method].get("parameters", []))
]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
calm = settings(
    max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def described(short_service):
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(short_service))


def ids(operation):
    return f"{operation[1]} {operation[0]}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
@seed(4)
@calm
@given(data=st.data())
def test_what_is_described_is_served_as_described(described, operation, data):
    path, method = operation
    case = data.draw(described[path][method].as_strategy(GenerationMode.POSITIVE))
    answer = case.call_and_validate(checks=CHECKS)
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize("operation", WITH_INPUT, ids=ids)
@seed(4)
@calm
@given(data=st.data())
def test_what_is_not_described_is_refused(described, operation, data):
    path, method = operation
    case = data.draw(described[path][method].as_strategy(GenerationMode.NEGATIVE))
    answer = case.call_and_validate(checks=[*CHECKS, checks.negative_data_rejection])
    assert answer.status_code != 422


def test_every_field_is_described():
    described = create_app(None).openapi()
    fields = [
        (name, field, told)
        for name, schema in described["components"]["schemas"].items()
        for field, told in schema["properties"].items()
    ]
    parameters = [
        (path, one["name"], one)
        for path, methods in PATHS.items()
        for operation in methods.values()
        for one in operation.get("parameters", [])
    ]
    assert fields and parameters
    assert [(a, b) for a, b, told in [*fields, *parameters] if not told.get("description")] == []


def test_every_operation_says_what_it_is_and_how_it_fails():
    for path, method in OPERATIONS:
        operation = PATHS[path][method]
        assert operation["summary"] and operation["description"], path
        assert {"200", "400", "401", "413", "500", "503"} <= set(operation["responses"])
        assert "422" not in operation["responses"]


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/v1/completions", {"application/json", "text/event-stream"}),
        ("/v1/chat/completions", {"application/json", "text/event-stream"}),
        ("/v1/generate", {"text/event-stream"}),
        ("/v1/generate_nobatch", {"application/json"}),
    ],
)
def test_what_can_be_a_stream_says_so(path, kinds):
    assert set(PATHS[path]["post"]["responses"]["200"]["content"]) == kinds


def test_names_that_no_header_can_hold_are_ignored_all_the_same(described):
    client = schemathesis.python.asgi.get_client(described.app)
    names = {"\U0001b70d": 1, "a\r\nx-evil: 1": 1, "b" * 500: 1, **{f"z{i}": 1 for i in range(99)}}
    answer = client.post("/v1/completions", json={"prompt": "a", "max_tokens": 1, **names})
    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    ignored = answer.headers["x-ruvon-ignored"].split(", ")
    assert ignored[0] == "a%0D%0Ax-evil%3A%201"
    assert len(ignored) == 32 and len(answer.headers["x-ruvon-ignored"]) < 2000
