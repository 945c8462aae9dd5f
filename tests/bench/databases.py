"""One durable PostgreSQL in a folder of its own; for each case, a database made for it."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from control_plane import execution, identity, organizations, signing_in
from control_plane.archive.reader import Archive
from control_plane.ids import uuid7
from control_plane.journal import CHECKPOINT_EVERY
from control_plane.migrations import migrate
from control_plane.models import SYSTEM, Intent
from control_plane.registry import Registry, load_registries
from control_plane.registry.builtin import SET_POLICY
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.target import Target
from psycopg import sql

from infra.local import bootstrap
from infra.local.postgres import Postgres
from tests.bench.cases import Crowd, Ground
from tests.bench.cores import keep, of_server
from tests.bench.template import ACTION, POLICY, TEMPLATES, template_name

HERE = Path(__file__).parent
BASE = "bench_base"
PASSWORD = "a password for benchmarks"
ROLES = ("chat_agent_app", "chat_agent_archiver", "chat_agent_owner")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with projects, the limit's tables and a signed-in admin; `url` is the app's."""

    name: str
    url: str
    token: str
    slugs: tuple[str, ...]


class Cluster:
    """The server that everything is measured on."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._passwords = {role: secrets.token_hex(8) for role in ROLES}
        self._numbers = count(1)
        bootstrap.create_roles(server.superuser_url(), self._passwords)
        bootstrap.create_database(server.superuser_url(), BASE)
        migrate(self._logins(BASE).owner)
        # Checkpoints are asked for between cases: one that falls into a round would halve it.
        self._run("postgres", "ALTER SYSTEM SET max_wal_size = '16GB'")
        self._run("postgres", "ALTER SYSTEM SET checkpoint_timeout = '1h'")
        self._run("postgres", "SELECT pg_reload_conf()")

    @property
    def version(self) -> str:
        """PostgreSQL's version."""
        with psycopg.connect(self._server.superuser_url()) as connection:
            number = connection.info.server_version
        return f"{number // 10000}.{number % 10000}"

    def prepare(self, crowd: Crowd, ground: Ground) -> Prepared:
        """A database with the projects, the state and the history that a case starts from."""
        name = self._clone(BASE)
        url = self._logins(name).app
        token, slugs = _populate(url, crowd.projects, ground)
        each = ground.executions // crowd.projects
        sizes = {"projects": crowd.projects, "components": ground.components, "each": each}
        self._run_file(name, "limit.sql", **sizes)
        if each:
            self._run_file(
                name, "history.sql", each=each, action=ACTION, checkpoint_every=CHECKPOINT_EVERY
            )
            # A fresh database has no statistics either; autovacuum would have seen to a history.
            self._run(name, "VACUUM (ANALYZE)")
        return Prepared(name, url, token, slugs)

    def copy(self, prepared: Prepared) -> Prepared:
        """The same again in another database, so that no kind meets what another left."""
        name = self._clone(prepared.name)
        return Prepared(name, self._logins(name).app, prepared.token, prepared.slugs)

    def drop(self, prepared: Prepared) -> None:
        """Remove a database, whoever is still connected."""
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(prepared.name))
        self._run("postgres", drop)

    def make_room(self, crowd: Crowd) -> None:
        """Keep the server off the cores that are this crowd's alone."""
        with self._superuser("postgres") as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        started = [self._server.pid, *(process for (process,) in found)]
        for process in filter(None, started):
            with suppress(ProcessLookupError):  # it has ended
                keep(process, of_server(crowd))

    def settle(self) -> None:
        """Write out what preparing has left, so that it isn't written during a round."""
        self._run("postgres", "CHECKPOINT")

    def _clone(self, template: str) -> str:
        name = f"bench_{next(self._numbers)}"
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER chat_agent_owner")
        self._run("postgres", clone.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _logins(self, name: str) -> bootstrap.Logins:
        return bootstrap.logins(self._server.superuser_url(), self._passwords, name)

    def _run(self, database: str, statement: str | sql.Composed) -> None:
        text = statement.encode() if isinstance(statement, str) else statement
        with self._superuser(database) as connection:
            connection.execute(text)

    def _run_file(self, database: str, file: str, **parameters: int | str) -> None:
        with self._superuser(database) as connection:
            cursor = psycopg.ClientCursor(connection)
            cursor.execute((HERE / file).read_bytes(), parameters)

    def _superuser(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self._server.superuser_url(database), autocommit=True)


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster with fsync on, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="chat-agent-bench-") as folder:
        # The server's own account has to get in, whoever started this.
        Path(folder).chmod(0o755)
        with Postgres(Path(folder) / "postgres") as server:
            yield Cluster(server)


def registries() -> dict[str, Registry]:
    """The declarations of the benchmark's projects and of the organization itself."""
    return load_registries() | {template.name: Registry(template) for template in TEMPLATES}


def targets(store: Store, token: str, slugs: tuple[str, ...]) -> list[Target]:
    """The projects as the signed-in admin reaches them."""
    known = registries()
    return [identity.target(identity.authenticate(store, token, slug), known) for slug in slugs]


def request() -> Request:
    """One more request for the benchmark's action."""
    return Request("execution", uuid7(), [Intent(ACTION, {})], None)


def _populate(url: str, projects: int, ground: Ground) -> tuple[str, tuple[str, ...]]:
    """Projects, each with one execution behind it; the admin's token, the projects' slugs."""
    store, known = Store(url), registries()
    made = organizations.create_organization(
        store, known, "bench", PASSWORD, must_change_password=False
    )
    slugs = tuple(f"bench-{number}" for number in range(1, projects + 1))
    for slug in slugs:
        names = {"slug": slug, "title": slug, "template": template_name(ground.components)}
        organizations.create_project(store, known, (made["organization"], SYSTEM), names)
    token = str(signing_in.login(store, made["username"], PASSWORD, None)["token"])
    for target in targets(store, token, slugs):
        if ground.governed:
            policy = Intent(SET_POLICY, {"document": POLICY})
            governed = Request("execution", uuid7(), [policy], None)
            execution.execute(store, Archive(store), target, governed)
        execution.execute(store, Archive(store), target, request())
    store.disconnect()
    return token, slugs
