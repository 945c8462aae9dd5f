"""The resolver, what it answers when things go wrong, and what every request shares."""

import re
import threading
from functools import lru_cache
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from control_plane.api import (
    approvals,
    archives,
    audit,
    governing,
    health,
    people,
    projects,
    shared,
    tokens,
    users,
)
from control_plane.api.shared import MAX_BODY_BYTES
from control_plane.canonical import parse
from control_plane.edge import incoming, outgoing
from control_plane.errors import (
    ControlPlaneError,
    InvalidBody,
    Malformed,
    NotFound,
    Unavailable,
    problem,
)
from control_plane.observing.current import say
from control_plane.observing.failures import described
from control_plane.store.connection import NOT_MIGRATED, OTHER_SCHEMA

BODILESS = ("GET", "DELETE")
POLICY = re.compile(r"/v1/(projects/[^/]+/)?policy")
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")

# The resolver keeps the current event in a class attribute: in two threads at once, one caller
# would be taken for another. Lambda sends a process one event at a time; whoever doesn't, waits.
_one_at_a_time = threading.Lock()

app = APIGatewayHttpResolver(
    enable_validation=True, serializer=lambda body: orjson.dumps(body).decode()
)
app.use([shared.say_route])
app.include_router(health.router)
app.include_router(people.router, prefix="/v1")
app.include_router(projects.router, prefix="/v1")
app.include_router(audit.router, prefix="/v1")
app.include_router(users.router, prefix="/v1")
app.include_router(tokens.router, prefix="/v1")
app.include_router(governing.router, prefix="/v1")
app.include_router(approvals.router, prefix="/v1")
app.include_router(archives.router, prefix="/v1")


def serve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway HTTP API event (payload format 2.0)."""
    event = incoming.identified(event)
    return outgoing.dressed(event, _answered(event, context))


def _answered(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        incoming.check_text(event)
        allowed = incoming.check_method(event, _served(event["rawPath"]))
        if incoming.method(event) == "OPTIONS":
            return outgoing.options_answer(allowed)
        return _resolved(_readable(event), context)
    except ControlPlaneError as error:
        return outgoing.problem_answer(error)
    except Exception as error:  # noqa: BLE001 (told without its text, which may quote anything)
        say(**described(error))
        return outgoing.problem_answer(ControlPlaneError("Something unexpected happened here."))


@lru_cache(maxsize=256)
def _served(path: str) -> frozenset[str]:
    """The methods of the routes at an address; remembered, as many are asked for again."""
    routes = [*app._static_routes, *app._dynamic_routes]
    return frozenset(route.method for route in routes if route.rule.match(path))


def _resolved(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with _one_at_a_time:
        shared.store().limit_time(context.get_remaining_time_in_millis() / 1000)
        return app.resolve(event, context)


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """The event as routes read it: its body strictly checked, sizes first, its type as written.

    Bodies of methods that have none mean nothing (RFC 9110) and are left alone. HEAD is GET, whose
    body is left out at the end.
    """
    if incoming.method(event) == "HEAD":
        return incoming.as_get(event)
    if incoming.method(event) in BODILESS:
        return event
    policy = POLICY.fullmatch(event["rawPath"])
    body = incoming.body(event, MAX_BODY_BYTES, incoming.JSON, *(YAML_TYPES if policy else ()))
    kind = incoming.media_type(event) if body else incoming.JSON
    if kind in YAML_TYPES:
        _check_utf8(body)
    elif body:
        _check_json(body, as_object=policy is None)
    return {**event, "headers": {**event["headers"], "content-type": kind}}


def _check_json(body: bytes, *, as_object: bool) -> None:
    """Powertools would take the first item of an array for the body; a policy's route tells why."""
    value = parse(body)
    if as_object and not isinstance(value, dict):
        raise InvalidBody("The body is not a JSON object.")


def _check_utf8(body: bytes) -> None:
    """Its route reads the rest as strictly, and names the lines."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The body is not UTF-8.") from error


@app.exception_handler(ControlPlaneError)
def _problem(error: ControlPlaneError) -> Response[str]:
    body = orjson.dumps(problem(error)).decode()
    return Response(error.status.value, outgoing.PROBLEM_JSON, body, headers=dict(error.headers))


@app.exception_handler(RequestValidationError)
def _invalid(error: RequestValidationError) -> Response[str]:
    say(route=shared.route_of(app))
    errors = [
        {"at": ".".join(map(str, item["loc"])), "error": item["msg"]} for item in error.errors()
    ]
    return _problem(InvalidBody(errors=errors))


@app.exception_handler([*NOT_MIGRATED])
def _other_schema(error: Exception) -> Response[str]:
    """Between a deployment and its migration; nothing was committed."""
    say(**described(error))
    return _problem(Unavailable(OTHER_SCHEMA))


@app.exception_handler(NotFoundError)
def _no_route(_: NotFoundError) -> Response[str]:
    return _problem(NotFound())


@app.get("/openapi.json")
def openapi() -> Response[str]:
    """This description."""
    from control_plane.api import description

    return Response(200, content_types.APPLICATION_JSON, description.text(app))
