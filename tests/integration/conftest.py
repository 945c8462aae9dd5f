"""A seeded database with a signed-in admin, and short words for asking."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg
import pytest
from control_plane import execution, identity, signing_in
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.models import Intent, Json
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.restore.source import Buckets
from control_plane.store import Store
from control_plane.target import Target
from psycopg.rows import dict_row

from infra.local.bootstrap import seed
from tests.conftest import ADMIN_PASSWORD, Cluster, Database, copied, new_database
from tests.recovering import World
from tests.s3 import S3

ADD = Intent("demo.counter.increment", {})


@dataclass
class Project:
    """Project `demo` as its admin sees it, straight through the use cases."""

    store: Store
    target: Target
    database: Database
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def execute(self, *intents: Intent, request_id: str = "", confirm: str | None = None) -> Any:
        """Execute one intent, or several as a plan confirmed by a fresh preview."""
        if len(intents) > 1:
            digest = confirm or self.preview(*intents)["digest"]
            return self.plan(intents, digest, request_id)
        return self._ask(Request("execution", self._id(request_id), intents, confirm))

    def plan(self, intents: Sequence[Intent], digest: str, request_id: str = "") -> Any:
        """Execute intents as one, as a preview's digest promised them."""
        return self._ask(Request("plan", self._id(request_id), intents, digest))

    def _id(self, given: str) -> str:
        return given or f"request-{next(self._numbers)}"

    def _ask(self, request: Request) -> Any:
        return execution.execute(self.store, Archive(self.store), self.target, request)

    def preview(self, *intents: Intent) -> dict[str, Json]:
        """What would happen now."""
        return execution.preview(self.store, Archive(self.store), self.target, intents)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the database really holds."""
        with psycopg.connect(self.database.superuser, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), [self.target.project]).fetchall()

    def superuser(self, statement: str) -> None:
        """Do what only a superuser can."""
        with psycopg.connect(self.database.superuser) as connection:
            connection.execute(statement.encode())

    def value(self) -> int:
        """The counter, as it is stored."""
        [row] = self.rows("SELECT state FROM components WHERE project_id = %s AND id LIKE 'demo%%'")
        return int(row["state"].removeprefix('{"value":').removesuffix("}"))

    def executions(self) -> list[dict[str, Any]]:
        """Every execution, in order."""
        return self.rows("SELECT * FROM executions WHERE project_id = %s ORDER BY seq")


@pytest.fixture
def project(database: Database) -> Iterator[Project]:
    """A fresh project `demo` and its admin."""
    store = Store(database.app)
    seed(store, ADMIN_PASSWORD)
    yield Project(store, sign_in(store), database)
    store.disconnect()


def sign_in(store: Store) -> Target:
    """Project `demo` for its signed-in admin."""
    token = signing_in.login(store, "admin", ADMIN_PASSWORD, None)["token"]
    return identity.target(identity.authenticate(store, token, "demo"), load_registries())


type SetClock = Callable[[str], None]


@pytest.fixture
def set_clock(project: Project) -> SetClock:
    """Replace the database's clock, as only its owner can, by an SQL expression."""
    return clock_of(project.database)


def clock_of(database: Database) -> SetClock:
    """A function that replaces a database's clock by an SQL expression."""

    def replace(expression: str) -> None:
        with psycopg.connect(database.owner) as connection:
            connection.execute(
                "CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz"
                f" LANGUAGE sql VOLATILE AS $$ SELECT {expression} $$".encode()
            )

    return replace


@pytest.fixture
def world(project: Project, s3: S3) -> World:
    """A project with some executions, the first ones archived and anchored."""
    made = World(project, s3)
    made.execute(3)
    made.archive()
    made.execute(4)
    return made


@pytest.fixture
def earlier(world: World, postgres: Cluster) -> Iterator[Database]:
    """The database as it was then."""
    world.project.store.disconnect()
    with copied(postgres, world.project.database) as database:
        yield database


@pytest.fixture
def buckets(s3: S3) -> Buckets:
    """Buckets of this test's own."""
    return Buckets(Bucket(s3.new_bucket()), Bucket(s3.new_anchor_bucket()))


@pytest.fixture
def empty(postgres: Cluster) -> Iterator[Database]:
    """A migrated database without any tenant."""
    with new_database(postgres) as made:
        yield made
