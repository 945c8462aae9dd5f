"""Organizations and the projects in them."""

import re
from collections.abc import Mapping

import orjson

from control_plane.administration import (
    SYSTEM_SLUG,
    Steps,
    administer,
    organization_id,
    request_for,
)
from control_plane.canonical import canonical
from control_plane.errors import Conflict, InvalidBody
from control_plane.ids import uuid7
from control_plane.models import ID_PATTERN, SYSTEM, Intent, Json, Principal
from control_plane.people import new_user
from control_plane.registry import Registry, load_registries
from control_plane.registry.builtin import SET_POLICY
from control_plane.requests import Request, replay
from control_plane.store import Store
from control_plane.store.writing import Asked, looking
from control_plane.target import Target

FIRST_HOURS = 24
ADMIN = "admin"


def create_organization(
    store: Store,
    registries: Mapping[str, Registry],
    slug: str,
    password: str,
    *,
    must_change_password: bool = True,
    password_hours: int | None = None,
) -> dict[str, str]:
    """Make an organization with its own chain and its first admin, `admin`.

    With `password_hours`, the password opens one session, within so many hours. Returns
    organization, username, password. Raises `Conflict` when the slug is taken.
    """
    org, project, user = uuid7(), uuid7(), uuid7()
    organization = {"kind": "organization.create", "slug": slug, "title": slug.capitalize()}
    system = {
        "kind": "project.create",
        "slug": SYSTEM_SLUG,
        "title": "System",
        "template": "system",
    }
    steps: Steps = [
        (Intent("organization.create", {"slug": slug}), [organization, system]),
        new_user(
            user,
            ADMIN,
            password,
            admin=True,
            must_change=must_change_password,
            hours=password_hours,
        ),
    ]
    administer(store, Target(org, project, SYSTEM, registries["system"]), steps)
    return {"organization": org, "username": ADMIN, "password": password}


def first_organization(url: str, slug: str, password: str) -> bool:
    """Make an organization unless it is there, through any login that may; whether it was made.

    Its admin's password is good for one sign-in, within a day, and must be changed then.
    """
    store = Store(url)
    if organization_id(store, slug) is not None:
        return False
    create_organization(store, load_registries(), slug, password, password_hours=FIRST_HOURS)
    return True


def create_project(
    store: Store,
    registries: Mapping[str, Registry],
    asking: tuple[str, Principal],
    names: Mapping[str, str],
    request_id: str | None = None,
) -> dict[str, Json]:
    """Make a project from a template, its components' first state included.

    `asking` is the organization and who asks; `names` has slug, title and template. Answers the
    execution `project.create`, again where the same request made the project before. Raises
    `InvalidBody` for an unknown template, `Conflict` for a taken slug, `IdempotencyConflict` where
    the same request made another project. Whether the principal may is checked by the caller.
    """
    org, principal = asking
    if names["template"] not in registries or names["template"] == SYSTEM_SLUG:
        known = ", ".join(sorted(set(registries) - {SYSTEM_SLUG}))
        raise InvalidBody(f"There is no template {names['template']!r}; there are: {known}.")
    if re.fullmatch(ID_PATTERN, names["slug"]):
        raise InvalidBody("A slug can't be shaped like an id. Choose a name.")
    target = Target(org, uuid7(), principal, registries[names["template"]])
    steps: Steps = [
        (Intent("project.create", dict(names)), [{"kind": "project.create", **names}]),
        *_first_policy(store, org, names["template"]),
    ]
    request = request_for(steps, request_id or uuid7())
    try:
        return _made_before(store, target, request) or administer(
            store, target, steps, request.request_id
        )
    except Conflict:  # the same request may have taken the name meanwhile
        made = _made_before(store, target, request)
        if made is None:
            raise
        return made


def _first_policy(store: Store, org: str, template: str) -> Steps:
    """The organization's policy for new projects, where it has one; `demo` starts without any."""
    [row] = store.read(org, "default_policy")
    document = orjson.loads(row["document"])
    if not document or template == "demo":
        return []
    effect = {"kind": "policy.set", "version": 1, "document": canonical(document)}
    return [(Intent(SET_POLICY, {"document": document}), [effect])]


def _made_before(store: Store, target: Target, request: Request) -> dict[str, Json] | None:
    """What the same request was answered when it made a project; None where it made none.

    Raises `IdempotencyConflict` where it asked for another one then.
    """
    asking = {"principal": target.principal.id, "request": request.request_id}
    found = store.read(target.org, "project_made", **asking)
    if not found:
        return None
    key = [request.request_id]
    loaded = looking(store, Asked(target.org, found[0]["id"], target.principal, [], key))
    return replay(loaded.keys, request)
