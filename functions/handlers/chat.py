"""POST /v1/projects/{p}/chat: read the request, ask the agent, answer. No database."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from control_plane.agent.api_client import ApiClient, ApiRefused
from control_plane.agent.chat import chat
from control_plane.canonical import parse
from control_plane.conversation import ChatRequest
from control_plane.edge import incoming, outgoing
from control_plane.errors import ControlPlaneError, InvalidBody, NotFound, Unauthenticated
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
    event = incoming.identified(event)
    return outgoing.dressed(event, _answered(event))


def _answered(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        project = _project(event)
        allowed = incoming.check_method(event, ["POST"])
        if incoming.method(event) == "OPTIONS":
            return outgoing.options_answer(allowed)
        api = ApiClient(settings().api_url, _authorization(event))
        return _response(HTTPStatus.OK, chat(api, project, _request(event), settings()))
    except ApiRefused as refused:
        return _response(refused.status, refused.body, refused.headers)
    except ControlPlaneError as error:
        return outgoing.problem_answer(error)
    except Exception as error:  # noqa: BLE001 (told without its text, which may quote anything)
        say(**described(error))
        return outgoing.problem_answer(ControlPlaneError("Something unexpected happened here."))


def _authorization(event: Mapping[str, Any]) -> str:
    """The caller's bearer token, as it came; the API alone knows whether it is worth anything."""
    value = incoming.header(event, "authorization").strip()
    if not _BEARER.fullmatch(value):
        raise Unauthenticated
    return value


def _project(event: Mapping[str, Any]) -> str:
    found = _PATH.fullmatch(event["rawPath"])
    if found is None:
        raise NotFound
    say(route="/v1/projects/{project}/chat")
    return found[1]


def _request(event: Mapping[str, Any]) -> ChatRequest:
    body = incoming.body(event, LARGEST_BODY, incoming.JSON)
    try:
        return ChatRequest.model_validate(parse(body))
    except ValidationError as error:
        wrong = [{"at": ".".join(map(str, e["loc"])), "error": e["msg"]} for e in error.errors()]
        raise InvalidBody(errors=wrong) from error


def _response(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    kind = incoming.JSON if status == HTTPStatus.OK else outgoing.PROBLEM_JSON
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, **(headers or {})},
        "body": orjson.dumps(body).decode(),
        "isBase64Encoded": False,
    }
