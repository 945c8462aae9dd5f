"""The description is valid, whole, and what the functions do."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from control_plane import settings
from control_plane.agent import api_client
from control_plane.api import schemas
from control_plane.api.answered import ANSWERED
from control_plane.api.app import app
from control_plane.engine import policy_document
from openapi_spec_validator import validate

from tests.handlers import described
from tests.handlers.conftest import Call
from tests.handlers.gateway import InProcess

gateway = InProcess()


def read(*, tokens: bool) -> schemathesis.BaseSchema:
    """The description as anyone gets it; `tokens`: make some up for the requests."""
    config = schemathesis.Config.from_path(Path(__file__).with_name("schemathesis.toml"))
    config.projects.default.generation.with_security_parameters = tokens
    return schemathesis.openapi.from_wsgi("/openapi.json", gateway, config=config)


for_admin, for_nobody = read(tokens=False), read(tokens=True)
PATHS = described.described()["paths"]
DOCUMENT = {"$ref": "#/components/schemas/PolicyDocument"}
RIGHT = {"X-Request-Id": "i", "Content-Type": "application/json"}
BEYOND_A_SCHEMA = {"idempotency_conflict", "invalid_policy"}


@schemathesis.check
def refuses_only_for_what_no_schema_says(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What fits the description is refused for its cursor, its key, or its policy's conditions."""
    fits = case.meta is not None and case.meta.generation.mode.is_positive
    if not fits or response.status_code not in (400, 422):
        return
    problem = response.json()
    odd_cursor = problem["code"] == "malformed" and "cursor" in problem["detail"]
    assert odd_cursor or problem["code"] in BEYOND_A_SCHEMA, problem


# A database an operation, not a request: what was asked before is there.
one_database = hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def reached(call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The chat function reaches the API through the same gateway."""
    client = httpx.Client(transport=gateway)
    monkeypatch.setattr(api_client, "_http", lambda: client)
    monkeypatch.setenv("CHAT_AGENT_API_URL", "http://gateway")
    settings.settings.cache_clear()
    return call


@pytest.mark.usefixtures("reached")
@for_admin.parametrize()
@one_database
def test_signed_in(case: schemathesis.Case, token: str) -> None:
    """Whatever an admin sends is answered as described."""
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})


@pytest.mark.usefixtures("reached")
@for_nobody.parametrize()
@one_database
def test_without_a_token(case: schemathesis.Case) -> None:
    """Whatever anyone sends is answered as described, and nothing is told."""
    answer = case.call()
    case.validate_response(answer)
    public = case.operation.definition.raw.get("security") == []
    assert public or case.method == "OPTIONS" or answer.status_code >= 400


def test_a_validator_accepts_it() -> None:
    """It is OpenAPI 3.1."""
    document = httpx.Client(transport=gateway).get("http://gateway/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_tells_of_every_route_and_of_no_other() -> None:
    """The routes of both functions, each with a name of its own, a tag and a sentence."""
    served = [*app._static_routes, *app._dynamic_routes]
    routes = {(route.openapi_path, route.method.lower()) for route in served}
    routes.add(("/v1/projects/{project}/chat", "post"))
    told = {(path, method): op for path, ops in PATHS.items() for method, op in ops.items()}
    assert told.keys() == routes
    names = [operation["operationId"] for operation in told.values()]
    assert sorted(names) == sorted(ANSWERED)
    assert all(op["summary"].endswith(".") and op["tags"] for op in told.values())


def test_it_asks_for_a_token_where_one_is_needed() -> None:
    """All but what nobody can have a token for yet."""
    public = {path for path, ops in PATHS.items() for op in ops.values() if "security" in op}
    unsigned = {"/livez", "/readyz", "/openapi.json", "/v1/auth/login", "/v1/auth/link"}
    assert public == unsigned


def test_policies_are_described_as_they_are_read() -> None:
    """JSON or YAML, with the schema that documents are validated by; what-if takes the same."""
    content = PATHS["/v1/projects/{project}/policy"]["put"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/yaml"}
    assert all(each["schema"] == DOCUMENT for each in content.values())
    told = described.described()["components"]["schemas"]
    assert DOCUMENT in told["WhatIf"]["properties"]["document"]["anyOf"]
    keys = policy_document.schema()["properties"].keys()
    assert told["PolicyDocument"]["properties"].keys() == keys


def test_bodies_and_answers_are_told_apart() -> None:
    """No two schemas share a name: a later one would stand in for an earlier one."""
    routes = json.loads(app.get_openapi_json_schema())["components"]["schemas"]
    parts = [*policy_document.schema()["$defs"], *schemas._shapes()[1]]
    shared = {name for name, count in Counter([*routes, *parts]).items() if count > 1}
    assert shared == {"JsonValue"}


def test_it_is_made_only_when_it_is_asked_for() -> None:
    """Its models cost a cold start nothing."""
    code = "import sys, handlers.api; print([m for m in sys.modules if 'outcomes' in m])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (418, {"X-Request-Id": "i"}, None),
        (200, {"X-Request-Id": "i", "Content-Type": "text/plain"}, {"status": "ok"}),
        (200, {"Content-Type": "application/json"}, {"status": "ok"}),
        (200, {"X-Request-Id": "i", "Content-Type": "application/json"}, {"status": "well"}),
    ],
)
def test_what_is_not_described_is_noticed(status: int, headers: dict[str, str], body: Any) -> None:
    """The look at every answer of these tests sees odd statuses, types, headers and shapes."""
    described.check("GET", "/livez", 200, RIGHT, {"status": "ok"})
    with pytest.raises(AssertionError):
        described.check("GET", "/livez", status, headers, body)
