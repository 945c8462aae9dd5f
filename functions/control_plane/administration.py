"""What changes people, projects and organizations: built-in actions in a project's own chain."""

import re
from collections.abc import Mapping
from copy import replace
from uuid import UUID, uuid5

import orjson
import psycopg

from control_plane.archive.reader import Archive
from control_plane.audit import Asking, as_answer
from control_plane.canonical import canonical
from control_plane.errors import Conflict, Forbidden, InvalidBody, NotFound, WrongPassword
from control_plane.execution import execute, migrate
from control_plane.identity import NO_TENANT, Caller, check_password, hasher
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.loading import context_of
from control_plane.models import ID_PATTERN, SYSTEM, Decision, Intent, Json, Principal
from control_plane.registry import Registry, load_registries
from control_plane.registry.builtin import CREATE_USER, SET_PASSWORD, SET_POLICY
from control_plane.requests import Request, keys_of, replay
from control_plane.store import Store
from control_plane.store.writing import Asked, looking, writing
from control_plane.target import Target

MIN_PASSWORD = 12
FIRST_HOURS = 24
ADMIN = "admin"
SYSTEM_SLUG = "system"
"""The organization's own project: users and tokens are executions in its chain."""

type Effects = list[Mapping[str, Json]]
type Steps = list[tuple[Intent, Effects]]


def administer(
    store: Store,
    target: Target,
    steps: Steps,
    request_id: str | None = None,
    after: int | None = None,
) -> dict[str, Json]:
    """Commit built-in actions that the caller of this function has authorised, as one.

    Answers the first one's execution. The request's own key makes a retry safe. Raises `Conflict`
    when a name is taken, or where the chain has gone on past the seq `after`.
    """
    request = _request(steps, request_id or uuid7())

    def attempt() -> dict[str, Json]:
        asked = Asked(
            target.org,
            target.project,
            target.principal,
            [],
            [request.request_id],
            target.registry.schema_versions,
        )
        with writing(store, asked) as transaction:
            if transaction.loaded.keys:
                return replay(transaction.loaded.keys, request)
            if after is not None and transaction.loaded.head["seq"] != after:
                raise Conflict("Something was executed meanwhile. Look, and ask again.")
            journal = Journal(context_of(target, transaction.loaded))
            ids = [request.request_id, *(uuid7() for _ in steps[1:])]
            executions = [
                journal.append(_granted(intent), Asking(target.principal, id, "api"), *effects)
                for id, (intent, effects) in zip(ids, steps, strict=True)
            ]
            migrate(journal)
            answer = as_answer(executions[0], target.registry.sentences)
            transaction.commit(journal.batch(keys_of(target.principal, request, 200, answer)))
        return answer

    try:
        return store.retrying(attempt)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict() from error


def _request(steps: Steps, request_id: str) -> Request:
    """The first step is what was asked for; the others follow from what there is by then."""
    return Request("execution", request_id, [steps[0][0]], None)


def _granted(intent: Intent) -> Decision:
    return Decision(intent.action, 1, intent.inputs, "success", title=intent.action)


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
        _new_user(
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


def create_user(
    store: Store, registries: Mapping[str, Registry], org: str, username: str, password: str
) -> dict[str, Json]:
    """Make a person who must change this password first. Answers the execution `user.create`.

    Who may do so is checked by the caller. Raises `Conflict` when the name is taken.
    """
    new = _new_user(uuid7(), username, password, admin=False, must_change=True)
    return administer(store, system_target(store, registries, org), [new])


def _new_user(
    user: str,
    username: str,
    password: str,
    *,
    admin: bool,
    must_change: bool,
    hours: int | None = None,
) -> tuple[Intent, Effects]:
    inputs = {"user": user, "username": username, "admin": admin}
    effect = {
        **inputs,
        "kind": "user.create",
        "password_hash": hasher().hash(password),
        "must_change_password": must_change,
        "password_hours": hours,
    }
    return Intent("user.create", inputs), [effect]


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
    request = _request(steps, request_id or uuid7())
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


def add_user(
    store: Store, archived: Archive, target: Target, new: Mapping[str, Json], request_id: str
) -> dict[str, Json]:
    """Make a person as an admin of the organization; they must change this password first.

    `target` is the organization's own project; `new` has username, password, attributes. Answers
    the execution. Raises `Conflict` when the name is taken, `InvalidBody` for a short password.
    """
    inputs = {
        # the same when the request comes again, and nobody else's
        "user": str(uuid5(UUID(target.org), f"user/{target.principal.id}/{request_id}")),
        "username": new["username"],
        "attributes": new["attributes"],
    }
    request = Request(
        "execution",
        request_id,
        [Intent(CREATE_USER, inputs)],
        None,
        private={"password_hash": _hashed(new["password"])},
    )
    try:
        return execute(store, archived, target, request)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict() from error


def reset_password(
    store: Store, archived: Archive, target: Target, user: str, password: str, request_id: str
) -> dict[str, Json]:
    """Set somebody's password, which they must change first. Answers the execution."""
    request = Request(
        "execution",
        request_id,
        [Intent(SET_PASSWORD, {"user": user})],
        None,
        subject=user,
        private={"password_hash": _hashed(password)},
    )
    return execute(store, archived, target, request)


def _hashed(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise InvalidBody(f"Choose a password of at least {MIN_PASSWORD} characters.")
    return hasher().hash(password)


def user_id(store: Store, org: str, username: str) -> str:
    """A person's id by name; raises `NotFound`."""
    found = store.read(org, "user_by_name", username=username)
    if not found:
        raise NotFound(f"There is nobody called {username!r}.")
    return str(found[0]["id"])


def require_admin(caller: Caller) -> Caller:
    """The caller, if they are an admin of their organization; else `Forbidden`."""
    if not caller.admin:
        raise Forbidden("Only an admin of the organization may do this.")
    return caller


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


def system_target(store: Store, registries: Mapping[str, Registry], org: str) -> Target:
    """The organization's own project, asked by the system itself."""
    [system] = store.read(org, "project_by_slug", slug=SYSTEM_SLUG)
    return Target(org, system["id"], SYSTEM, registries["system"])


def organization_id(store: Store, slug: str) -> str | None:
    """The id of an organization, or None: for commands, which have no session."""
    found = store.read(NO_TENANT, "organization", slug=slug)
    return found[0]["id"] if found else None
