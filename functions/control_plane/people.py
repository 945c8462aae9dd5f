"""The people of an organization and their passwords."""

from collections.abc import Mapping
from copy import replace
from uuid import UUID, uuid5

import psycopg

from control_plane.administration import Effects, administer, system_target
from control_plane.archive.reader import Archive
from control_plane.canonical import sha256
from control_plane.errors import Conflict, InvalidBody, NotFound, WrongPassword
from control_plane.execution import execute
from control_plane.identity import Caller
from control_plane.ids import uuid7
from control_plane.models import Intent, Json, Principal
from control_plane.registry import Registry
from control_plane.registry.builtin import CREATE_USER, SET_PASSWORD
from control_plane.requests import Request
from control_plane.signing_in import check_password, hasher
from control_plane.store import Store
from control_plane.target import Target

MIN_PASSWORD = 12


def create_user(
    store: Store, registries: Mapping[str, Registry], org: str, username: str, password: str
) -> dict[str, Json]:
    """Make a person who must change this password first. Answers the execution `user.create`.

    Who may do so is checked by the caller. Raises `Conflict` when the name is taken.
    """
    new = new_user(uuid7(), username, password, admin=False, must_change=True)
    return administer(store, system_target(store, registries, org), [new])


def new_user(
    user: str,
    username: str,
    password: str,
    *,
    admin: bool,
    must_change: bool,
    hours: int | None = None,
) -> tuple[Intent, Effects]:
    """The step that makes a person; with `hours`, the password opens one session within those."""
    inputs = {"user": user, "username": username, "admin": admin}
    effect = {
        **inputs,
        "kind": "user.create",
        "password_hash": hasher().hash(password),
        "must_change_password": must_change,
        "password_hours": hours,
    }
    return Intent("user.create", inputs), [effect]


def add_user(
    store: Store, archived: Archive, target: Target, new: Mapping[str, Json], request_id: str
) -> dict[str, Json]:
    """Make a person as an admin of the organization; they must change this password first.

    `target` is the organization's own project; `new` has username, password, admin, attributes.
    Answers the execution. Raises `Conflict` when the name is taken, `InvalidBody` for a short
    password.
    """
    inputs = {
        # the same when the request comes again, and nobody else's
        "user": str(uuid5(UUID(target.org), f"user/{target.principal.id}/{request_id}")),
        "username": new["username"],
        "admin": new["admin"],
        "attributes": new["attributes"],
    }
    request = _with_password(new["password"], request_id, Intent(CREATE_USER, inputs))
    try:
        return execute(store, archived, target, request)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict() from error


def reset_password(
    store: Store, archived: Archive, target: Target, user: str, password: str, request_id: str
) -> dict[str, Json]:
    """Set somebody's password, which they must change first. Answers the execution."""
    request = _with_password(password, request_id, Intent(SET_PASSWORD, {"user": user}))
    return execute(store, archived, target, request)


def _with_password(password: str, request_id: str, intent: Intent) -> Request:
    """A request that carries a password; the same again only with the same one.

    What is kept to tell that is as hard to guess it from as the password's own hash.
    """
    if len(password) < MIN_PASSWORD:
        raise InvalidBody(f"Choose a password of at least {MIN_PASSWORD} characters.")
    return Request(
        "execution",
        request_id,
        [intent],
        None,
        private={"password_hash": hasher().hash(password)},
        private_digest=hasher().hash(password, salt=sha256(request_id)[:16].encode()),
    )


def user_id(store: Store, org: str, username: str) -> str:
    """A person's id by name; raises `NotFound`."""
    found = store.read(org, "user_by_name", username=username)
    if not found:
        raise NotFound(f"There is nobody called {username!r}.")
    return str(found[0]["id"])


def change_password(
    store: Store, registries: Mapping[str, Registry], caller: Caller, current: str, new: str
) -> None:
    """Change the caller's own password and end all of their sessions.

    Raises `WrongPassword` for a wrong current one, also where an admin sets another meanwhile, and
    `InvalidBody` for a new one that is the same or shorter than 12 characters.
    """
    checked = check_password(store, caller, current)
    if len(new) < MIN_PASSWORD or new == current:
        raise InvalidBody(f"Choose a new password of at least {MIN_PASSWORD} characters.")
    system = system_target(store, registries, caller.org)
    asking = Principal("user", caller.user, caller.user, "session")
    try:
        _set_password(store, replace(system, principal=asking), caller.user, new, checked)
    except psycopg.errors.CheckViolation as error:
        raise WrongPassword(
            "The password has just been changed. Nothing was changed now."
        ) from error


def set_password(
    store: Store, registries: Mapping[str, Registry], org: str, username: str, password: str
) -> None:
    """Set somebody's password as the system, for commands; it need not be changed afterwards."""
    [person] = store.read(org, "person", username=username)
    _set_password(store, system_target(store, registries, org), person["id"], password)


def _set_password(
    store: Store, target: Target, user: str, password: str, checked: str | None = None
) -> None:
    """Set it, where `checked` is given only while that is the hash in force."""
    effect = {
        "kind": "user.password",
        "user": user,
        "before": checked,
        "password_hash": hasher().hash(password),
        "must_change_password": False,
    }
    administer(store, target, [(Intent("user.password", {"user": user}), [effect])])
