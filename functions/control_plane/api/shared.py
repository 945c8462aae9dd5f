"""What routes share: this process's store and registries, who calls, and how to answer."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import administration, execution
from control_plane.archive import reader
from control_plane.canonical import sha256
from control_plane.edge import incoming
from control_plane.errors import IdempotencyConflict, InvalidBody
from control_plane.identity import Caller, authenticate, ready_to_act, target
from control_plane.models import Intent, Json
from control_plane.registry import Registry, load_registries
from control_plane.requests import Request
from control_plane.settings import settings
from control_plane.store import Store
from control_plane.target import Target
from control_plane.visibility import shown_to

MAX_BODY_BYTES = 256 * 1024


@cache
def store() -> Store:
    """The application's database, connected at the first use."""
    return Store(settings().chat_agent_database_url)


@cache
def registries() -> Mapping[str, Registry]:
    """The declarations that this deployment has installed."""
    return load_registries()


@cache
def archived() -> reader.Archive:
    """The executions that lie in S3."""
    return reader.Archive(store())


def caller(router: APIGatewayHttpRouter, project: str | None = None) -> Caller:
    """Who sent this request; a due password change stops all but the routes that make it."""
    return ready_to_act(anyone(router, project))


def anyone(router: APIGatewayHttpRouter, project: str | None = None) -> Caller:
    """Who sent this request, also while their password change is due."""
    return authenticate(store(), bearer(router), project)


def target_of(router: APIGatewayHttpRouter, project: str) -> Target:
    """The project that this request names, if its sender may see it."""
    return target(caller(router, project), registries())


def bearer(router: APIGatewayHttpRouter) -> str | None:
    """The token of the Authorization header (RFC 6750), or None."""
    scheme, _, token = router.current_event.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def request_id(router: APIGatewayHttpRouter, given: str | None, longest: int = 128) -> str:
    """The body's request id or the Idempotency-Key header's; the gateway's where none is given.

    So an execution and the log of the request that asked for it name the same id.
    """
    header = router.current_event.headers.get("idempotency-key")
    if header is not None and not 1 <= len(header) <= longest:
        raise InvalidBody(f"Idempotency-Key takes 1 to {longest} characters here.")
    if header and given and header != given:
        raise IdempotencyConflict("Idempotency-Key and request_id differ. Send one of them.")
    return given or header or incoming.request_id(router.current_event)


def asked(
    router: APIGatewayHttpRouter,
    target: Target,
    action: str,
    inputs: Mapping[str, Any],
    subject: str | None = None,
) -> Response[str]:
    """Ask for a built-in action, whose route's body is its input; answers its execution.

    The request id is the Idempotency-Key header's; the gateway's where none is sent.
    """
    request = Request(
        "execution", request_id(router, None), [Intent(action, inputs)], None, subject=subject
    )
    return execution_of(target, execution.execute(store(), archived(), target, request))


def execution_of(target: Target, done: Json) -> Response[str]:
    """What an ask brought about, as its asker may see it: 202 where it waits for approval."""
    status = 202 if done["status"] == "pending_approval" else 200
    return answer(shown_to(target, done), status)


def system(router: APIGatewayHttpRouter) -> Target:
    """The organization's own project, for its admins; else `Forbidden`."""
    found = administration.require_admin(caller(router, administration.SYSTEM_SLUG))
    return target(found, registries())


def answer(body: Any, status: int = 200) -> Response[str]:
    """A JSON answer, exactly as given."""
    return Response(status, content_types.APPLICATION_JSON, orjson.dumps(body).decode())


def kept_answer(router: APIGatewayHttpRouter, body: Any) -> Response[str]:
    """A JSON answer that its caller may keep and ask about again: 304 while it is the same.

    The tag is the text's own hash, so it differs wherever what two callers may see differs.
    """
    text = orjson.dumps(body).decode()
    tag = f'"{sha256(text)}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if incoming.knows(router.current_event, tag):
        return Response(HTTPStatus.NOT_MODIFIED, None, "", headers=headers)
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, text, headers=headers)


def no_content() -> Response[str]:
    """Done, and there is nothing to say."""
    return Response(204, None, "")
