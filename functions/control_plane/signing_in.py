"""Signing in by a password or a link: sessions, and how guessing is slowed down."""

import secrets
from collections.abc import Mapping
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from control_plane.canonical import sha256
from control_plane.errors import Throttled, Unauthenticated, WrongPassword
from control_plane.identity import NO_TENANT, SESSION_PREFIX, Caller, organization_of
from control_plane.models import Json
from control_plane.store import Row, Store

SESSION_HOURS = 12
LINK_PREFIX = "csl"
LINK_HOURS = 24


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


def make_link(store: Store, org: str, username: str) -> str:
    """A text that signs somebody in once, within a day. For the local stack: no route makes any."""
    link = f"{LINK_PREFIX}_{UUID(org).hex}_{secrets.token_urlsafe(32)}"
    store.write(org, "link_made", link_hash=sha256(link), username=username, hours=LINK_HOURS)
    return link


def login_by_link(store: Store, link: str) -> dict[str, Json]:
    """Open a session by a link, which is then used up. Raises `Unauthenticated` for any other."""
    org = str(organization_of(link, LINK_PREFIX))
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
