"""From an empty cluster to a database that the product runs on: roles, schema, first data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from control_plane import administration, execution, organizations, people
from control_plane.archive.reader import Archive
from control_plane.errors import IdempotencyConflict
from control_plane.migrations import HERE, migrate
from control_plane.models import SYSTEM, Intent, Json, Principal
from control_plane.registry import load_registries
from control_plane.registry.builtin import SET_MEMBER, SET_POLICY
from control_plane.requests import Request
from control_plane.signing_in import make_link, password_is
from control_plane.store import Store
from control_plane.target import Target
from psycopg import sql

from infra.local import past

DATABASE = "chat_agent"
ORGANIZATION = "main"
ROLES = {"approver": "admin"}
"""What the demo's people are where it isn't what they are called."""
HARBOR_POLICY: dict[str, Json] = {
    "limits": {"budget": {"daily": 100}},
    "rules": [
        {
            "id": "budget-needs-admin",
            "description": "Money is decided by two.",
            "condition": 'action.id == "budget.set" && !("admin" in principal.roles)',
            "effect": "require_approval",
        },
        {
            "id": "no-rollout-in-incident",
            "description": "Nobody makes a fire larger.",
            "condition": 'action.id == "release.rollout" && state["incident"].status == "open"',
            "effect": "reject",
            "message": "An incident is open: resolve it before you roll out.",
        },
    ],
}


@dataclass(frozen=True, slots=True)
class Logins:
    """The database URLs of the three logins."""

    app: str
    archiver: str
    owner: str


def create_roles(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Make the cluster's roles, or set their passwords anew; `passwords` by role name."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute((HERE / "roles.sql").read_bytes())
        for role, password in passwords.items():
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(change.format(sql.Identifier(role), sql.Literal(password)))


def create_database(superuser_url: str, name: str = DATABASE) -> None:
    """Make the database, owned by the schema's owner, unless it is there."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            create = sql.SQL("CREATE DATABASE {} OWNER chat_agent_owner")
            connection.execute(create.format(sql.Identifier(name)))


def logins(superuser_url: str, passwords: Mapping[str, str], name: str = DATABASE) -> Logins:
    """The URLs with which the three roles reach a database."""
    host = urlsplit(superuser_url)

    def url(role: str) -> str:
        address = f"{role}:{quote(passwords[role], safe='')}@{host.hostname}:{host.port}"
        return urlunsplit(("postgresql", address, f"/{name}", "", ""))

    return Logins(url("chat_agent_app"), url("chat_agent_archiver"), url("chat_agent_owner"))


def prepare(
    superuser_url: str,
    passwords: Mapping[str, str],
    admin_password: str,
    accounts: Mapping[str, str] | None = None,
) -> Logins:
    """Bring a cluster to where the product can run on it; repeatable. Seeds both projects.

    `accounts` are the demo's people by name, with their passwords.
    """
    create_roles(superuser_url, passwords)
    create_database(superuser_url)
    urls = logins(superuser_url, passwords)
    migrate(urls.owner)
    store = Store(urls.app)
    org = seed(store, admin_password)
    seed_harbor(store, urls.owner, org)
    govern_harbor(store, org, accounts or {})
    return urls


def seed(store: Store, admin_password: str) -> str:
    """Make the first organization, its admin, and project `demo`, unless they are there.

    The admin's password is set anew where it is another: what `up` prints always works. Returns
    the organization's id.
    """
    registries = load_registries()
    if administration.organization_id(store, ORGANIZATION) is None:
        organizations.create_organization(
            store, registries, ORGANIZATION, admin_password, must_change_password=False
        )
    org = administration.organization_id(store, ORGANIZATION) or ""
    if not password_is(store, org, organizations.ADMIN, admin_password):
        people.set_password(store, registries, org, organizations.ADMIN, admin_password)
    _project(store, org, {"slug": "demo", "title": "Demo", "template": "demo"})
    return org


def seed_harbor(store: Store, owner_url: str, org: str) -> None:
    """Make project `harbor` and its weeks of history, unless they are there.

    A start that was killed on the way is finished by the next: each step has its own request id.
    """
    with past.shifted_clock(owner_url) as set_clock:
        if not store.read(org, "project_by_slug", slug="harbor"):
            set_clock(past.BEGIN)
            _project(store, org, {"slug": "harbor", "title": "Harbor", "template": "harbor"})
        past.make(store, _harbor(store, org), set_clock)


def govern_harbor(store: Store, org: str, accounts: Mapping[str, str]) -> None:
    """Give project `harbor` its people and its policy, unless it has them; passwords set anew."""
    target = _harbor(store, org)
    for name, password in accounts.items():
        _account(store, org, name, password)
        user = people.user_id(store, org, name)
        intent = Intent(SET_MEMBER, {"user": user, "role": ROLES.get(name, name)})
        _once(store, target, f"member-{name}", intent)
    _once(store, target, "policy", Intent(SET_POLICY, {"document": HARBOR_POLICY}))


def _account(store: Store, org: str, name: str, password: str) -> None:
    registries = load_registries()
    if not store.read(org, "user_by_name", username=name):
        people.create_user(store, registries, org, name, password)
    if not password_is(store, org, name, password) or must_change(store, org, name):
        people.set_password(store, registries, org, name, password)


def must_change(store: Store, org: str, name: str) -> bool:
    """Whether somebody's password is one that they must change first."""
    [person] = store.read(org, "person", username=name)
    return bool(person["must_change_password"])


def _once(store: Store, target: Target, name: str, intent: Intent) -> None:
    """Ask as the seed does, under a request id of its own: the next start is answered the same."""
    request = Request("execution", f"seed-{name}", [intent], None, "seed")
    try:
        execution.execute(store, Archive(store), target, request)
    except IdempotencyConflict:  # seeded by an earlier version, with other inputs
        return


def _harbor(store: Store, org: str) -> Target:
    [admin] = store.read(org, "person", username=organizations.ADMIN)
    [made] = store.read(org, "project_by_slug", slug="harbor")
    principal = Principal("user", admin["id"], admin["id"], "seed")
    return Target(org, made["id"], principal, load_registries()["harbor"])


def _project(store: Store, org: str, names: Mapping[str, str]) -> None:
    if not store.read(org, "project_by_slug", slug=names["slug"]):
        organizations.create_project(store, load_registries(), (org, SYSTEM), names)


def links(app_url: str, names: Iterable[str]) -> dict[str, str]:
    """For each of these people who is there, a text that signs in once: `up` prints them."""
    store = Store(app_url)
    org = administration.organization_id(store, ORGANIZATION)
    if org is None:
        return {}
    known = [name for name in names if store.read(org, "user_by_name", username=name)]
    return {name: make_link(store, org, name) for name in known}
