"""Who asks: signing in, sessions, and what a token may see. Identity never comes from a parameter.

A session's token reads `cas_<organization id>_<256 random bits>`, an API token
`cat_<organization id>_<256 random bits>_<checksum>`: the id only says in which tenant to look it
up, so that no look-up crosses tenants; only the hash of the whole is kept. The checksum (CRC-32)
lets scanners for leaked secrets tell a token from what only looks like one.
"""

import secrets
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from msgspec import Struct

from control_plane.canonical import sha256
from control_plane.errors import (
    Forbidden,
    InsufficientScope,
    NotFound,
    PasswordChangeRequired,
    Throttled,
    Unauthenticated,
    Unavailable,
    WrongPassword,
)
from control_plane.models import Authority, Json, Principal, Role
from control_plane.registry import Registry
from control_plane.store import Row, Store
from control_plane.target import Target

SESSION_HOURS = 12
SESSION_PREFIX = "cas"
API_TOKEN_PREFIX = "cat"  # noqa: S105 (not a secret: what tokens start with)
LINK_PREFIX = "csl"
LINK_HOURS = 24

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


@cache
def hasher() -> PasswordHasher:
    """Argon2id with OWASP's first choice: 19 MiB, two passes, one lane; about 40 ms."""
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@cache
def _nobodys_hash() -> str:
    """Verified for unknown users, so that they take as long to refuse as known ones."""
    return hasher().hash(secrets.token_hex())


def login(store: Store, username: str, password: str, organization: str | None) -> dict[str, Json]:
    """Open a session. Raises `Unauthenticated` for a wrong name or password, else `Throttled`.

    From the fifth failure on, each doubles the wait before the next attempt is looked at, up to a
    minute. Unknown names and organizations are counted, slowed down and answered alike.
    """
    found = store.read(NO_TENANT, "organization", slug=organization)
    org = found[0]["id"] if found else NO_TENANT
    name = username if found else f"{organization}/{username}"  # counted apart, as known ones are
    person = _person_with(store, org, name, password)
    if person is None:
        raise Unauthenticated("The user name or the password is wrong.")
    return _open_session(store, org, _rehashed(store, org, person, password))


def _rehashed(store: Store, org: str, person: Row, password: str) -> Row:
    """The person, their password hashed anew where it was hashed with other parameters."""
    if not hasher().check_needs_rehash(person["password_hash"]):
        return person
    fresh = hasher().hash(password)
    changed = {"user": person["id"], "before": person["password_hash"], "after": fresh}
    return {**person, "password_hash": fresh} if store.write(org, "rehashed", **changed) else person


def _person_with(store: Store, org: str, username: str, password: str) -> Row | None:
    """The active person of this name and password; the attempt counts unless it is right."""
    attempt = {"name_hash": sha256(username)}
    if not store.write(org, "login_attempt", **attempt):
        waits = store.read(org, "login_wait", **attempt)
        raise Throttled(retry_after=waits[0]["seconds"] if waits else 1)
    people, nobodys = store.read(org, "person", username=username), _nobodys_hash()
    if not _verify(people[0]["password_hash"] if people else nobodys, password):
        return None
    store.write(org, "login_forgiven", **attempt)
    return people[0]


def _open_session(store: Store, org: str, person: Mapping[str, Json]) -> dict[str, Json]:
    token = f"{SESSION_PREFIX}_{UUID(org).hex}_{secrets.token_urlsafe(32)}"
    opened = store.write(
        org,
        "session_opened",
        user=person["id"],
        password_hash=person["password_hash"],
        token_hash=sha256(token),
        hours=SESSION_HOURS,
    )
    if not opened:
        raise Unauthenticated(
            "This password holds no more: it has just been changed, or was a first one that is"
            " good once, within a day. Ask for a new one."
        )
    return {
        "token": token,
        "expires_at": opened[0]["expires_at"],
        "must_change_password": person["must_change_password"],
    }


def new_api_token(org: str) -> str:
    """The text of a new API token: 256 random bits, with a checksum at its end."""
    text = f"{API_TOKEN_PREFIX}_{UUID(org).hex}_{secrets.token_hex(32)}"
    return f"{text}_{_checksum(text)}"


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def make_link(store: Store, org: str, username: str) -> str:
    """A text that signs somebody in once, within a day. For the local stack: no route makes any."""
    link = f"{LINK_PREFIX}_{UUID(org).hex}_{secrets.token_urlsafe(32)}"
    store.write(org, "link_made", link_hash=sha256(link), username=username, hours=LINK_HOURS)
    return link


def login_by_link(store: Store, link: str) -> dict[str, Json]:
    """Open a session by a link, which is then used up. Raises `Unauthenticated` for any other."""
    org = str(_organization_of(link, LINK_PREFIX))
    people = store.write(org, "link_used", link_hash=sha256(link))
    if not people:
        raise Unauthenticated("This link has been used, or its time has run out. Sign in.")
    return _open_session(store, org, people[0])


def _verify(password_hash: str, password: str) -> bool:
    try:
        return hasher().verify(password_hash, password)
    except VerificationError:
        return False


def check_password(store: Store, caller: Caller, password: str) -> str:
    """The hash in force, if this is the caller's password; else `WrongPassword`.

    Tries count as in `login`.
    """
    person = _person_with(store, caller.org, caller.username, password)
    if person is None:
        raise WrongPassword()
    return str(person["password_hash"])


def password_is(store: Store, org: str, username: str, password: str) -> bool:
    """Whether this is somebody's password; counts no attempt, so it is not for requests."""
    people = store.read(org, "person", username=username)
    return bool(people) and _verify(people[0]["password_hash"], password)


def logout(store: Store, caller: Caller, token: str) -> None:
    """End the session of this token, at once."""
    store.write(caller.org, "logout", token_hash=sha256(token))


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
        return _organization_of(token, SESSION_PREFIX)
    if checksum != _checksum(text):
        raise Unauthenticated()
    return _organization_of(text, API_TOKEN_PREFIX)


def _organization_of(token: str | None, expected: str) -> UUID:
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
