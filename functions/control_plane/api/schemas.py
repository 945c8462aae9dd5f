"""The description's schemas: bodies as Powertools writes them, answers, and what both refer to."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from control_plane import administration
from control_plane.api.answered import ANSWERED, Page, Shape
from control_plane.api.answers import Problem
from control_plane.api.bodies import LONGEST_PLAN_ID
from control_plane.api.shared import registries
from control_plane.canonical import MAX_INTEGER
from control_plane.conversation import ChatRequest
from control_plane.engine import policy_document
from control_plane.errors import ControlPlaneError

type Described = dict[str, Any]

_AT = "#/components/schemas/{model}"
# What Powertools adds for answers that we never give.
NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def ref(name: str) -> Described:
    """A reference to a schema of the description."""
    return {"$ref": _AT.format(model=name)}


POLICY_BODY: Described = {
    "required": True,
    "content": {
        "application/json": {"schema": ref("PolicyDocument")},
        "application/yaml": {"schema": ref("PolicyDocument")},
    },
}
CHAT_BODY: Described = {
    "required": True,
    "content": {"application/json": {"schema": ref("ChatRequest")}},
}

# What is true of a parameter of this name wherever it stands.
_PARAMETERS: Described = {
    "project": {
        "description": "Its slug or its id.",
        "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
    },
    "username": {"schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._@+-]{0,127}$"}},
    "approval": {"description": "The id of a request for approval."},
    "cursor": {"description": "The `next_cursor` of the page before."},
    "limit": {"description": "Items on a page; more than 200 are 200."},
}
_HEADER_PARAMETERS: Described = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The request's id where its body gives none: what comes again with the same "
        "one is answered, not done, again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of what one has already: 304 while it is the same.",
        "schema": {"type": "string"},
    },
}
_KEY = _HEADER_PARAMETERS["IdempotencyKey"]
_PLAN_KEY = {**_KEY, "schema": {**_KEY["schema"], "maxLength": LONGEST_PLAN_ID}}
_HEADERS: Described = {
    "RequestId": {
        "description": "Names this request in logs, and its execution where it gave no id.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "ETag": {"required": True, "schema": {"type": "string", "pattern": '^"[0-9a-f]{64}"$'}},
    "RetryAfter": {"required": True, "schema": {"type": "integer", "minimum": 1}},
}
_HEADER_NAMES = {"RequestId": "X-Request-Id", "ETag": "ETag", "RetryAfter": "Retry-After"}
PROBLEMS = [HTTPStatus(s) for s in (400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503)]
_JSON_VALUE: Described = {
    "description": "Any JSON, whose integers every reader reads alike.",
    "anyOf": [
        {"type": ["string", "boolean", "null"]},
        {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
        {"type": "number"},
        {"type": "array", "items": ref("JsonValue")},
        {"type": "object", "additionalProperties": ref("JsonValue")},
    ],
}


def parameter(given: Mapping[str, Any]) -> Described:
    """A parameter as a caller sees it: one that isn't sent is left out, it isn't null."""
    schema = given["schema"]
    [kind] = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    plain = {key: value for key, value in {**schema, **kind}.items() if key != "anyOf"}
    return tidied({**given, "schema": plain, **_PARAMETERS.get(given["name"], {})})


def answer(shape: Shape) -> Described:
    """The schema of an answer's body."""
    if not isinstance(shape, Page):
        return _shapes()[0][shape]
    return {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": answer(shape.item)},
            "next_cursor": {"type": ["string", "null"]},
        },
    }


@cache
def _shapes() -> tuple[dict[Shape, Described], Described]:
    """The schema of each shape that is answered, and what these refer to."""
    said = [each.shape for each in ANSWERED.values() if each.shape is not None]
    shapes = [each.item if isinstance(each, Page) else each for each in [*said, Problem]]
    asked = [(shape, "serialization", TypeAdapter(shape)) for shape in dict.fromkeys(shapes)]
    found, whole = TypeAdapter.json_schemas(asked, ref_template=_AT)  # type: ignore[arg-type]
    return {shape: schema for (shape, _), schema in found.items()}, whole["$defs"]


def components(bodies: Mapping[str, Any]) -> Described:
    """Everything that the paths refer to; `bodies` are Powertools' own schemas."""
    kept = {name: each for name, each in bodies.items() if name not in NOT_OURS}
    document = policy_document.schema(_AT)
    schemas = tidied(
        {
            **kept,
            **document.pop("$defs"),
            **_shapes()[1],
            "PolicyDocument": document,
            "ChatRequest": ChatRequest.model_json_schema(),
        }
    )
    given = {"anyOf": [ref("PolicyDocument"), {"type": "null"}]}
    schemas["WhatIf"]["properties"]["document"] = given
    schemas["NewProject"]["properties"]["template"]["enum"] = sorted(_templates())
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(_codes())
    return {
        "schemas": {**schemas, "JsonValue": _JSON_VALUE},
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "parameters": {**_HEADER_PARAMETERS, "PlanIdempotencyKey": _PLAN_KEY},
        "headers": _HEADERS,
        "responses": {status.name: _problem(status) for status in PROBLEMS},
    }


def _problem(status: HTTPStatus) -> Described:
    retry = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return {
        "description": status.phrase,
        "headers": headers("RequestId", *(["RetryAfter"] if retry else [])),
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }


def headers(*names: str) -> Described:
    """Response headers of these names among the description's own."""
    return {_HEADER_NAMES[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


def _templates() -> set[str]:
    return set(registries()) - {administration.SYSTEM_SLUG}


def _codes() -> set[str]:
    return {ControlPlaneError.code, *(e.code for e in ControlPlaneError.__subclasses__())}


def tidied(value: Any) -> Any:
    """Without titles that only repeat names, and with whole numbers written as such."""
    if isinstance(value, list):
        return [tidied(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if key != "title" or isinstance(each, dict)}
    return {key: tidied(each) for key, each in kept.items()}
