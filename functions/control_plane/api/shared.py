"""What routes share: this process's store and registries, who calls, and how to answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import ApiGatewayResolver, Response, content_types
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import administration, execution
from control_plane.archive import reader
from control_plane.canonical import sha256
from control_plane.edge import incoming
from control_plane.errors import IdempotencyConflict, InvalidBody
from control_plane.identity import Caller, authenticate, permitted, ready_to_act, signed_in, target
from control_plane.models import Authority, Intent, Json
from control_plane.observing.current import say
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
    found = ready_to_act(_authenticated(router, project))
    reads = router.current_event.http_method in SAFE_METHODS
    return permitted(found, scope or ("read" if reads else "admin"))


def anyone(router: APIGatewayHttpRouter) -> Caller:
    """Who sent this request, also while their password change is due."""
    return permitted(_authenticated(router), "read")


def person(router: APIGatewayHttpRouter) -> Caller:
    """Who sent this request by a session of theirs, also while their password change is due."""
    return signed_in(_authenticated(router))


def _authenticated(router: APIGatewayHttpRouter, project: str | None = None) -> Caller:
    found = authenticate(store(), bearer(router), project)
    say(organization=found.org, project=found.project, principal=found.principal.id)
    return found


def route_of(app: ApiGatewayResolver) -> str | None:
    """The template of the route that a request has found, as its address alone must not be told."""
    route = app.context["_route"]
    # Where there is no route, Powertools makes one up, of the address as it came.
    registered = route.rule.groups or route in app._static_routes
    return route.openapi_path if registered else None


def say_route(app: ApiGatewayResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """A middleware that tells which route a request has found."""
    say(route=route_of(app))
    return next_middleware(app)


def target_of(router: APIGatewayHttpRouter, project: str, scope: Authority | None = None) -> Target:
    """The project that this request names, if its sender may see it; scopes as `caller` says."""
    return target(caller(router, project, scope), registries())


def bearer(router: APIGatewayHttpRouter) -> str | None:
    """The token of the Authorization header (RFC 6750), or None."""
    scheme, _, token = incoming.header(router.current_event, "authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def requested(router: APIGatewayHttpRouter, given: str | None, longest: int = 128) -> str:
    """The body's request id or the Idempotency-Key header's; the gateway's where none is given.

    So an execution and the log of the request that asked for it name the same id.
    """
    header = (router.current_event.get("headers") or {}).get("idempotency-key")
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
    request_id: str | None = None,
) -> Response[str]:
    """Ask for a built-in action, whose route's body is its input; answers its execution.

    The request id is the given one or the Idempotency-Key header's; the gateway's without either.
    """
    id, intents = requested(router, request_id), [Intent(action, inputs)]
    request = Request("execution", id, intents, None)
    return execution_of(target, execution.execute(store(), archived(), target, request))


def execution_of(target: Target, done: Json) -> Response[str]:
    """What an ask brought about, as its asker may see it: 202 where it waits for approval."""
    status = 202 if done["status"] == "pending_approval" else 200
    return answer(shown_to(target, done), status)


def system(router: APIGatewayHttpRouter) -> Target:
    """The organization's own project, for its admins; else `Forbidden`."""
    return target(_admin(router), registries())


def system_by_session(router: APIGatewayHttpRouter) -> Target:
    """As `system`, but for no API token: it would give itself the rest of what somebody may."""
    return target(signed_in(_admin(router)), registries())


def _admin(router: APIGatewayHttpRouter) -> Caller:
    return administration.require_admin(caller(router, administration.SYSTEM_SLUG))


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


def iso(moment: datetime | None) -> str | None:
    """A moment as records write it."""
    if moment is None:
        return None
    try:
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise InvalidBody("That moment is out of reach.") from error
    return utc.isoformat(timespec="microseconds") + "Z"
