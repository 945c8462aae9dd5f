"""Who asks, by which token, and what they may see. Identity never comes from a parameter.

A session's token reads `cas_<organization id>_<256 random bits>`, an API token
`cat_<organization id>_<256 random bits>_<checksum>`: the id only says in which tenant to look it
up, so that no look-up crosses tenants; only the hash of the whole is kept. The checksum (CRC-32)
lets scanners for leaked secrets tell a token from what only looks like one.
"""

import secrets
import zlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from msgspec import Struct

from control_plane.canonical import sha256
from control_plane.errors import (
    Forbidden,
    InsufficientScope,
    NotFound,
    PasswordChangeRequired,
    Unauthenticated,
    Unavailable,
)
from control_plane.models import Authority, Principal, Role
from control_plane.registry import Registry
from control_plane.store import Store
from control_plane.target import Target

SESSION_PREFIX = "cas"
API_TOKEN_PREFIX = "cat"  # noqa: S105 (not a secret: what tokens start with)

NO_TENANT = str(UUID(int=0))
"""Where no tenant is known yet, no tenant's row is seen."""


class Caller(Struct, frozen=True):
    """Who asks, by a session or an API token, and in what role where a project was named.

    `token` is the API token's id, `scopes` what it may be used for and `projects` where, each None
    for a session, the last also for a token that holds wherever its owner may go. `admin` says
    whether an admin of the organization asks, and not through a token that is for some projects.
    """

    org: str
    user: str
    username: str
    admin: bool
    must_change_password: bool
    project: str | None
    slug: str | None
    title: str | None
    template: str | None
    status: str | None
    role: Role | None
    token: str | None = None
    scopes: Sequence[Authority] | None = None
    projects: Sequence[str] | None = None

    @property
    def principal(self) -> Principal:
        """The caller as records name them."""
        if self.token is None:
            return Principal("user", self.user, self.user, "session", self.role)
        return Principal(
            "token", self.token, self.user, "token", self.role, frozenset(self.scopes or ())
        )


def new_api_token(org: str) -> str:
    """The text of a new API token: 256 random bits, with a checksum at its end."""
    text = f"{API_TOKEN_PREFIX}_{UUID(org).hex}_{secrets.token_hex(32)}"
    return f"{text}_{_checksum(text)}"


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def authenticate(store: Store, token: str | None, project: str | None = None) -> Caller:
    """Who holds this token, and what are they in this project (an id or a slug)?

    Takes no lock. Raises `Unauthenticated`. Says nothing of whether the project exists: see
    `target`.
    """
    org = str(_tenant_of(token))
    found = store.ask("authenticate", org, sha256(token or ""), project)
    if not found:
        raise Unauthenticated()
    return Caller(org=org, **orjson.loads(found))


def _tenant_of(token: str | None) -> UUID:
    """The tenant that a session's or an API token names; its checksum is looked at first."""
    text, _, checksum = (token or "").rpartition("_")
    if not text.startswith(f"{API_TOKEN_PREFIX}_"):
        return organization_of(token, SESSION_PREFIX)
    if checksum != _checksum(text):
        raise Unauthenticated()
    return organization_of(text, API_TOKEN_PREFIX)


def organization_of(token: str | None, expected: str) -> UUID:
    """The tenant in a text `<expected>_<organization id>_…`; else `Unauthenticated`."""
    parts = (token or "").split("_", 2)
    try:
        prefix, org, _ = parts
        if prefix != expected:
            raise ValueError(prefix)
        return UUID(hex=org)
    except ValueError as error:
        raise Unauthenticated() from error


def ready_to_act(caller: Caller) -> Caller:
    """The caller, unless their password must be changed before anything else."""
    if caller.must_change_password:
        raise PasswordChangeRequired()
    return caller


def permitted(caller: Caller, scope: Authority) -> Caller:
    """The caller, unless they came with an API token that lacks a scope: `InsufficientScope`."""
    if caller.scopes is not None and scope not in caller.scopes:
        raise InsufficientScope(scope=scope)
    return caller


def signed_in(caller: Caller) -> Caller:
    """The caller, if they signed in themselves; no API token makes or ends sessions or tokens."""
    if caller.token is not None:
        raise Forbidden("An API token may not do this. Sign in.")
    return caller


def target(caller: Caller, registries: Mapping[str, Registry], *, purged: bool = False) -> Target:
    """The project that the caller named, if they may see it; else `NotFound`.

    A purged one is there for nobody, except, where `purged` says so, for who repeats the purge.
    """
    if caller.project is None or caller.role is None or caller.template is None:
        raise NotFound()
    if caller.status == "purged" and not purged:
        raise NotFound()
    registry = registries.get(caller.template)
    if registry is None:
        raise Unavailable(f"Template {caller.template!r} isn't installed here. Tell the operator.")
    return Target(caller.org, caller.project, caller.principal, registry)
