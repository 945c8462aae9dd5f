"""From an empty cluster to a database that the product runs on: roles, schema, first data."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from control_plane import administration
from control_plane.identity import password_is
from control_plane.migrations import HERE, migrate
from control_plane.models import SYSTEM, Principal
from control_plane.registry import load_registries
from control_plane.store import Store
from control_plane.target import Target
from psycopg import sql

from infra.local import past

DATABASE = "chat_agent"
ORGANIZATION = "main"


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


def prepare(superuser_url: str, passwords: Mapping[str, str], admin_password: str) -> Logins:
    """Bring a cluster to where the product can run on it; repeatable. Seeds both projects."""
    create_roles(superuser_url, passwords)
    create_database(superuser_url)
    urls = logins(superuser_url, passwords)
    migrate(urls.owner)
    store = Store(urls.app)
    seed_harbor(store, urls.owner, seed(store, admin_password))
    return urls


def seed(store: Store, admin_password: str) -> str:
    """Make the first organization, its admin, and project `demo`, unless they are there.

    The admin's password is set anew where it is another: what `up` prints always works. Returns
    the organization's id.
    """
    registries = load_registries()
    if administration.organization_id(store, ORGANIZATION) is None:
        administration.create_organization(
            store, registries, ORGANIZATION, admin_password, must_change_password=False
        )
    org = administration.organization_id(store, ORGANIZATION) or ""
    if not password_is(store, org, administration.ADMIN, admin_password):
        administration.set_password(store, registries, org, administration.ADMIN, admin_password)
    _project(store, org, {"slug": "demo", "title": "Demo", "template": "demo"})
    return org


def seed_harbor(store: Store, owner_url: str, org: str) -> None:
    """Make project `harbor` and its weeks of history, unless they are there.

    A start that was killed on the way is finished by the next: each step has its own request id.
    """
    [admin] = store.read(org, "person", username=administration.ADMIN)
    principal = Principal("user", admin["id"], admin["id"], "seed")
    with past.shifted_clock(owner_url) as set_clock:
        if not store.read(org, "project_by_slug", slug="harbor"):
            set_clock(past.BEGIN)
            _project(store, org, {"slug": "harbor", "title": "Harbor", "template": "harbor"})
        [made] = store.read(org, "project_by_slug", slug="harbor")
        target = Target(org, made["id"], principal, load_registries()["harbor"])
        past.make(store, target, set_clock)


def _project(store: Store, org: str, names: Mapping[str, str]) -> None:
    if not store.read(org, "project_by_slug", slug=names["slug"]):
        administration.create_project(store, load_registries(), (org, SYSTEM), names)
