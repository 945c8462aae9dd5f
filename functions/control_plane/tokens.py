"""API tokens: somebody's own keys for scripts, shown once, kept as a hash, gone when revoked.

A token acts as its owner, with what its scopes and its projects leave of that. That it exists, and
that it ended, are executions in the organization's own chain; its text is in no record.
"""

from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass
from uuid import UUID, uuid5

from control_plane.administration import administer, system_target
from control_plane.canonical import sha256
from control_plane.errors import NotFound
from control_plane.identity import new_api_token
from control_plane.models import Authority, Intent, Json, Principal
from control_plane.reading import clamped, decoded, following
from control_plane.registry import Registry
from control_plane.registry.builtin import CREATE_TOKEN, REVOKE_TOKEN
from control_plane.store import Row, Store

DAYS, MOST_DAYS = 90, 366


@dataclass(frozen=True, slots=True)
class Issuer:
    """Where tokens are made: the database, the declarations, the organization and who asks."""

    store: Store
    registries: Mapping[str, Registry]
    org: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to make. `projects` are slugs or ids, None for all; `days` until it ends."""

    name: str
    scopes: Sequence[Authority]
    projects: Sequence[str] | None = None
    days: int = DAYS


def create(issuer: Issuer, owner: str, new: NewToken, request_id: str) -> dict[str, Json]:
    """Make a token for a person: the execution, with `token`, which is shown this once.

    A request that comes again is answered alike, with `token` null. Raises `NotFound` for a
    project that the owner may not see.
    """
    store, org, text = issuer.store, issuer.org, new_api_token(issuer.org)
    id = str(uuid5(UUID(org), f"token/{owner}/{request_id}"))
    inputs = {
        "token": id,
        "user": owner,
        "name": new.name,
        "scopes": sorted(set(new.scopes)),
        "projects": _project_ids(store, org, owner, new.projects),
        "days": new.days,
    }
    effect = {**inputs, "kind": CREATE_TOKEN, "token_hash": sha256(text)}
    done = _recorded(issuer, Intent(CREATE_TOKEN, inputs), effect, request_id)
    fresh = store.read(org, "token", id=id)[0]["token_hash"] == sha256(text)
    return {**done, "token_id": id, "token": text if fresh else None}


def revoke(issuer: Issuer, owner: str | None, id: str, request_id: str) -> dict[str, Json]:
    """End a token at once: anybody's, or the owner's where one is named. Answers the execution.

    Raises `NotFound`. Ending it again changes nothing more.
    """
    found = issuer.store.read(issuer.org, "token", id=id)
    if not found or owner not in (None, found[0]["user_id"]):
        raise NotFound()
    intent = Intent(REVOKE_TOKEN, {"token": id})
    return _recorded(issuer, intent, {"kind": REVOKE_TOKEN, "token": id}, request_id)


def tokens(
    store: Store, org: str, owner: str | None, limit: int, cursor: str | None
) -> dict[str, Json]:
    """A page of a person's tokens, of everybody's without a person; newest first, ended ones too.

    Who may look is checked by the caller. No token's text is kept, so none is shown.
    """
    before, count = decoded(cursor, UUID), clamped(limit)
    rows = store.read(org, "tokens", owner=owner, before=before, limit=count + 1)
    return {"items": rows[:count], "next_cursor": following(rows, count)}


def _recorded(
    issuer: Issuer, intent: Intent, effect: Mapping[str, Json], request_id: str
) -> dict[str, Json]:
    system = system_target(issuer.store, issuer.registries, issuer.org)
    target = replace(system, principal=issuer.principal)
    return administer(issuer.store, target, [(intent, [effect])], request_id)


def _project_ids(
    store: Store, org: str, owner: str, named: Sequence[str] | None
) -> list[str] | None:
    if named is None:
        return None
    found: list[Row] = store.read(org, "projects_named", user=owner, names=list(named))
    known = {row["slug"] for row in found} | {row["id"] for row in found}
    unknown = sorted(set(named) - known)
    if unknown:
        raise NotFound(f"There is no project {unknown[0]!r} that the token's owner may see.")
    return sorted(row["id"] for row in found)
