"""The API's description (OpenAPI 3.1): the routes' own, completed by what they have in common.

Powertools writes paths, parameters and bodies from the routes; answers, problems, security, tags
and what is said of every route alike are added here. It is built when it is first asked for.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import Route

from control_plane.api import schemas
from control_plane.api.answered import ANSWERED, Says

TITLE = "gradio-chat-agent"
ABOUT = (
    "A governed control plane: ask, preview, confirm; one engine decides. Errors are RFC 9457 "
    "problems with a stable code. Lists are newest first, and `next_cursor` names the next page."
)
CHAT_PATH = "/v1/projects/{project}/chat"
_BODIES = {"post", "put", "patch"}

type Described = dict[str, Any]


@cache
def text(app: APIGatewayHttpResolver) -> str:
    """The description as JSON."""
    return orjson.dumps(document(app)).decode()


def document(app: APIGatewayHttpResolver) -> Described:
    """The description of an app's routes, and of chat, which another function serves."""
    given = orjson.loads(app.get_openapi_json_schema())
    paths = _paths(app, given["paths"])
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": list(_tags(paths)),
        "paths": paths,
        "components": schemas.components(given["components"]["schemas"]),
    }


def _paths(app: APIGatewayHttpResolver, given: Mapping[str, Any]) -> Described:
    paths: Described = {}
    for route in [*app._static_routes, *app._dynamic_routes]:
        path, method, name = route.openapi_path, route.method.lower(), route.func.__name__
        summary = _first_line(route.func.__doc__)
        told = {"operationId": name, "summary": summary, "tags": [_tag(route)]}
        paths.setdefault(path, {})[method] = told | _operation(method, given[path][method], name)
    return {**paths, CHAT_PATH: {"post": _chat()}}


def _operation(method: str, generated: Mapping[str, Any], name: str) -> Described:
    says = ANSWERED[name]
    parameters = [schemas.parameter(each) for each in generated.get("parameters", ())]
    parameters += [{"$ref": f"#/components/parameters/{extra}"} for extra in _extras(name, says)]
    body = schemas.POLICY_BODY if name.endswith("_policy") else generated.get("requestBody")
    body = body if method in _BODIES else None
    return {
        **({"security": []} if says.public else {}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": dict(_responses(method, name, parameters, body)),
    }


def _extras(name: str, says: Says) -> Iterator[str]:
    if says.asks:
        yield "PlanIdempotencyKey" if name == "execute_plan" else "IdempotencyKey"
    if name == "get_state":
        yield "IfNoneMatch"


def _responses(
    method: str, name: str, parameters: list[Described], body: Described | None
) -> Iterator[tuple[str, Described]]:
    says = ANSWERED[name]
    for status in map(HTTPStatus, says.statuses):
        named = ["RequestId", *(["ETag"] if name == "get_state" else [])]
        answer = {"description": status.phrase, "headers": schemas.headers(*named)}
        if says.shape is not None and status != HTTPStatus.NOT_MODIFIED:
            schema = schemas.answer(says.shape)
            answer["content"] = {media: {"schema": schema} for media in says.media}
        yield str(status.value), answer
    for status in map(HTTPStatus, sorted(_problems(method, says, parameters, body))):
        yield str(status.value), {"$ref": f"#/components/responses/{status.name}"}


def _problems(
    method: str, says: Says, parameters: list[Described], body: Described | None
) -> set[int]:
    """Which problems a route may answer: follows from what it takes, but for its own."""
    found = {400, 500, 503, *says.problems}
    found |= set() if says.public else {401, 403}
    found |= {404} if any(each.get("in") == "path" for each in parameters) else set()
    found |= {413, 415} if method in _BODIES else set()
    return found | ({422} if parameters or body else set())


def _chat() -> Described:
    project = {"name": "project", "in": "path", "required": True, "schema": {}}
    generated = {"parameters": [project], "requestBody": schemas.CHAT_BODY}
    summary = "Turn a message into proposed steps, with their preview; changes nothing."
    told = {"operationId": "chat", "summary": summary, "tags": ["chat"]}
    return {**told, **_operation("post", generated, "chat")}


def _tag(route: Route) -> str:
    """The name of a route's module, whose first line tells what it is about."""
    name: str = route.func.__module__.rpartition(".")[2]
    return "description" if name == "app" else name


def _tags(paths: Described) -> Iterator[Described]:
    used = [op["tags"][0] for operations in paths.values() for op in operations.values()]
    for tag in dict.fromkeys(used):
        module = sys.modules.get(f"control_plane.api.{tag}")
        about = _first_line(module.__doc__) if module else "Messages become proposed steps."
        yield {"name": tag, "description": about}


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]
