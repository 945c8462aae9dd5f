"""API tokens: one's own, and for admins of the organization everybody's."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import tokens
from control_plane.api import bodies, shared
from control_plane.identity import Caller, ready_to_act
from control_plane.models import ID_PATTERN

router = APIGatewayHttpRouter()

TokenId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]


@router.get("/tokens")
def list_tokens(
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: str | None = None,
    everybody: bool = False,
) -> Response[str]:
    """One's own API tokens, or for admins everybody's; newest first, without their texts."""
    caller = shared.caller(router)
    owner = None if everybody and caller.admin else caller.user
    return shared.answer(tokens.tokens(shared.store(), caller.org, owner, limit, cursor))


@router.post("/tokens")
def create_token(body: bodies.NewToken) -> Response[str]:
    """Make an API token for oneself. Answers the execution, with `token`, shown this once."""
    caller = ready_to_act(shared.person(router))
    new = tokens.NewToken(body.name, body.scopes, body.projects, body.days)
    request_id = shared.requested(router, None)
    return shared.answer(tokens.create(_issuer(caller), caller.user, new, request_id))


@router.delete("/tokens/<token>")
def revoke_token(token: TokenId) -> Response[str]:
    """End a token at once: one's own; for admins of the organization, anybody's."""
    caller = shared.caller(router)
    owner = None if caller.admin else caller.user
    request_id = shared.requested(router, None)
    return shared.answer(tokens.revoke(_issuer(caller), owner, token, request_id))


def _issuer(caller: Caller) -> tokens.Issuer:
    return tokens.Issuer(shared.store(), shared.registries(), caller.org, caller.principal)
