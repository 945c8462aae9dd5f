"""The resolver, what it answers when things go wrong, and what every request shares."""

import binascii
import threading
from base64 import b64decode
from typing import Any

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from control_plane.api import (
    approvals,
    archives,
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
from control_plane.errors import (
    BodyTooLarge,
    ControlPlaneError,
    InvalidBody,
    Malformed,
    NotFound,
    UnsupportedMediaType,
    problem,
)

PROBLEM_JSON = "application/problem+json"
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")

logger = Logger(service="api")

# The resolver keeps the current event in a class attribute: in two threads at once, one caller
# would be taken for another. Lambda sends a process one event at a time; whoever doesn't, waits.
_one_at_a_time = threading.Lock()

app = APIGatewayHttpResolver(
    enable_validation=True, serializer=lambda body: orjson.dumps(body).decode()
)
app.include_router(health.router)
app.include_router(people.router, prefix="/v1")
app.include_router(projects.router, prefix="/v1")
app.include_router(users.router, prefix="/v1")
app.include_router(tokens.router, prefix="/v1")
app.include_router(governing.router, prefix="/v1")
app.include_router(approvals.router, prefix="/v1")
app.include_router(archives.router, prefix="/v1")


def serve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway HTTP API event (payload format 2.0)."""
    try:
        _check_text(event)
        _check_body(event)
        with _one_at_a_time:
            shared.store().limit_time(context.get_remaining_time_in_millis() / 1000)
            return app.resolve(event, context)
    except ControlPlaneError as error:
        return _event_response(error)
    except Exception:
        logger.exception("unexpected error")
        return _event_response(ControlPlaneError("Something unexpected happened here."))


def _check_text(event: dict[str, Any]) -> None:
    """Refuse U+0000 in the address and the headers: PostgreSQL can't even be asked for it."""
    values = (event.get("queryStringParameters") or {}).values()
    texts = [event["rawPath"], *values, *event["headers"].values()]
    if any("\x00" in text for text in texts):
        raise Malformed("The address or a header holds the character U+0000.")


def _check_body(event: dict[str, Any]) -> None:
    """Read the body strictly before anything else does; sizes first."""
    body = (event.get("body") or "").encode()
    if event.get("isBase64Encoded"):
        body = _decoded(body)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge()
    content_type = event["headers"].get("content-type", "application/json")
    if body and not _is_policy(event, content_type):
        _check_media_type(content_type)
        parse(body)


def _is_policy(event: dict[str, Any], content_type: str) -> bool:
    """Whether it is a policy document in YAML, which its route reads, as strictly."""
    yaml = content_type.partition(";")[0].strip().lower() in YAML_TYPES
    return yaml and event["rawPath"].endswith("/policy")


def _check_media_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType()


def _decoded(body: bytes) -> bytes:
    try:
        return b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed("The body is said to be Base64 and is not.") from error


@app.exception_handler(ControlPlaneError)
def _problem(error: ControlPlaneError) -> Response[str]:
    body = orjson.dumps(problem(error)).decode()
    return Response(error.status.value, PROBLEM_JSON, body, headers=dict(error.headers))


@app.exception_handler(RequestValidationError)
def _invalid(error: RequestValidationError) -> Response[str]:
    errors = [
        {"at": ".".join(map(str, item["loc"])), "error": item["msg"]} for item in error.errors()
    ]
    return _problem(InvalidBody(errors=errors))


@app.exception_handler(NotFoundError)
def _no_route(_: NotFoundError) -> Response[str]:
    return _problem(NotFound())


@app.get("/openapi.json")
def openapi() -> Response[str]:
    """This description."""
    text = app.get_openapi_json_schema(
        title="gradio-chat-agent",
        version="1",
        description="A governed control plane: ask, preview, confirm; one engine decides.",
    )
    return Response(200, content_types.APPLICATION_JSON, text)


def _event_response(error: ControlPlaneError) -> dict[str, Any]:
    return {
        "statusCode": error.status.value,
        "headers": {"Content-Type": PROBLEM_JSON, **error.headers},
        "body": orjson.dumps(problem(error)).decode(),
        "isBase64Encoded": False,
    }
