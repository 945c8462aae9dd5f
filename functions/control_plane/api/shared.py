"""What routes share: this process's store and registries, who calls, and how to answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import administration, execution
from control_plane.archive import reader
from control_plane.errors import IdempotencyConflict, InvalidBody
from control_plane.identity import Caller, authenticate, permitted, ready_to_act, signed_in, target
from control_plane.ids import uuid7
from control_plane.models import Authority, Intent, Json
from control_plane.registry import Registry, load_registries
from control_plane.requests import Request
from control_plane.settings import settings
from control_plane.store import Store
from control_plane.target import Target
from control_plane.visibility import shown_to

MAX_BODY_BYTES = 256 * 1024
SAFE_METHODS = ("GET", "HEAD")


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


def caller(
    router: APIGatewayHttpRouter, project: str | None = None, scope: Authority | None = None
) -> Caller:
    """Who sent this request; a due password change stops all but the routes that make it.

    An API token must have the scope: `read` where a request only reads, and else `admin`, unless
    the route asks for less.
    """
    found = ready_to_act(authenticate(store(), bearer(router), project))
    reads = router.current_event.http_method in SAFE_METHODS
    return permitted(found, scope or ("read" if reads else "admin"))


def anyone(router: APIGatewayHttpRouter) -> Caller:
    """Who sent this request, also while their password change is due."""
    return permitted(authenticate(store(), bearer(router)), "read")


def person(router: APIGatewayHttpRouter) -> Caller:
    """Who sent this request by a session of theirs, also while their password change is due."""
    return signed_in(authenticate(store(), bearer(router)))


def target_of(router: APIGatewayHttpRouter, project: str, scope: Authority | None = None) -> Target:
    """The project that this request names, if its sender may see it; scopes as `caller` says."""
    return target(caller(router, project, scope), registries())


def bearer(router: APIGatewayHttpRouter) -> str | None:
    """The token of the Authorization header (RFC 6750), or None."""
    scheme, _, token = router.current_event.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def request_id(router: APIGatewayHttpRouter, given: str | None) -> str:
    """The body's request id or the Idempotency-Key header's; made here where none is given."""
    header = router.current_event.headers.get("idempotency-key")
    if header is not None and not 1 <= len(header) <= 128:
        raise InvalidBody("Idempotency-Key takes 1 to 128 characters.")
    if header and given and header != given:
        raise IdempotencyConflict("Idempotency-Key and request_id differ. Send one of them.")
    return given or header or uuid7()


def asked(
    router: APIGatewayHttpRouter,
    target: Target,
    action: str,
    inputs: Mapping[str, Any],
    subject: str | None = None,
) -> Response[str]:
    """Ask for a built-in action, whose route's body is its input; answers its execution.

    The request id is the Idempotency-Key header's; made here where none is sent.
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


def no_content() -> Response[str]:
    """Done, and there is nothing to say."""
    return Response(204, None, "")


def iso(moment: datetime | None) -> str | None:
    """A moment as records write it."""
    if moment is None:
        return None
    try:
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise InvalidBody("That moment is out of reach.") from error
    return utc.isoformat(timespec="microseconds") + "Z"
