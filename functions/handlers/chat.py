"""POST /v1/projects/{p}/chat: read the request, ask the agent, answer. No database."""

import logging
import re
from base64 import b64decode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from control_plane.agent.api_client import ApiClient, ApiRefused
from control_plane.agent.chat import ChatRequest, chat
from control_plane.canonical import parse
from control_plane.errors import (
    BodyTooLarge,
    ControlPlaneError,
    InvalidBody,
    Malformed,
    NotFound,
    Unauthenticated,
    UnsupportedMediaType,
    problem,
)
from control_plane.observing.current import say
from control_plane.observing.failures import described
from control_plane.observing.functions import answering
from control_plane.settings import settings
from pydantic import ValidationError

LARGEST_BODY = 5 * 1024 * 1024  # bytes

# Its lines hold addresses as they were asked for.
logging.getLogger("httpx").setLevel(logging.WARNING)

# Nothing else can be sent on as a header.
_BEARER = re.compile(r"bearer +[!-~]+", re.IGNORECASE)
_PATH = re.compile(r"/v1/projects/([A-Za-z0-9-]{1,64})/chat")


@answering("chat")
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one API Gateway HTTP API event (payload format 2.0)."""
    try:
        api = ApiClient(settings().api_url, _authorization(event))
        return _response(HTTPStatus.OK, chat(api, _project(event), _request(event), settings()))
    except ApiRefused as refused:
        return _response(refused.status, refused.body, refused.headers)
    except ControlPlaneError as error:
        return _problem(error)
    except Exception as error:  # noqa: BLE001 (told without its text, which may quote anything)
        say(**described(error))
        return _problem(ControlPlaneError("Something unexpected happened here."))


def _authorization(event: Mapping[str, Any]) -> str:
    """The caller's bearer token, as it came; the API alone knows whether it is worth anything."""
    value = _header(event, "authorization").strip()
    if not _BEARER.fullmatch(value):
        raise Unauthenticated
    return value


def _header(event: Mapping[str, Any], name: str, default: str = "") -> str:
    value: str = (event.get("headers") or {}).get(name, default)
    return value


def _project(event: Mapping[str, Any]) -> str:
    found = _PATH.fullmatch(event["rawPath"])
    if found is None:
        raise NotFound
    say(route="/v1/projects/{project}/chat")
    return found[1]


def _request(event: Mapping[str, Any]) -> ChatRequest:
    text = event.get("body") or ""
    try:
        body = b64decode(text) if event.get("isBase64Encoded") else text.encode()
    except ValueError as error:
        raise Malformed from error
    if len(body) > LARGEST_BODY:
        raise BodyTooLarge("The body is too large. Send at most 5 MiB.")
    _check_media_type(_header(event, "content-type", "application/json"))
    try:
        return ChatRequest.model_validate(parse(body))
    except ValidationError as error:
        wrong = [{"at": ".".join(map(str, e["loc"])), "error": e["msg"]} for e in error.errors()]
        raise InvalidBody(errors=wrong) from error


def _check_media_type(content_type: str) -> None:
    """Refuse a body that is said to be anything but JSON."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType


def _problem(error: ControlPlaneError) -> dict[str, Any]:
    return _response(error.status.value, problem(error), error.headers)


def _response(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    kind = "application/json" if status == HTTPStatus.OK else "application/problem+json"
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, **(headers or {})},
        "body": orjson.dumps(body).decode(),
        "isBase64Encoded": False,
    }
