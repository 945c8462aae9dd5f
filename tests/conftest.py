"""Real parts for tests: one PostgreSQL cluster a session, one migrated database a test."""

import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count

import psycopg
import pytest
from control_plane.migrations import migrate
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql

from infra.local import bootstrap
from infra.local.postgres import Postgres
from tests.s3 import S3, running

ADMIN_PASSWORD = "a password for tests"
TEMPLATE = "chat_agent_template"
CHROMIUM = "/usr/bin/chromium"
NEEDED = "Chromium is needed: apt-get install chromium"
_numbers = count(1)


# A busy machine makes an example late, not wrong. All else is as Hypothesis has it, in CI too.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse two tests with one id: of those, several processes run only one."""
    doubled = [id for id, number in Counter(item.nodeid for item in items).items() if number > 1]
    if doubled:
        raise pytest.UsageError(f"More than one test is called: {', '.join(doubled)}")


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL with the product's roles and a migrated template database."""

    superuser_url: str
    passwords: dict[str, str]

    def admin(self) -> psycopg.Connection:
        """A superuser's connection to the maintenance database."""
        return psycopg.connect(self.superuser_url, autocommit=True)


@dataclass(frozen=True)
class Database:
    """A fresh migrated database with the three logins, and the superuser for looking inside."""

    name: str
    app: str
    archiver: str
    owner: str
    superuser: str


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    roles = ("chat_agent_app", "chat_agent_archiver", "chat_agent_owner")
    passwords = {role: secrets.token_hex(8) for role in roles}
    with Postgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        url = server.superuser_url()
        bootstrap.create_roles(url, passwords)
        bootstrap.create_database(url, TEMPLATE)
        migrate(bootstrap.logins(url, passwords, TEMPLATE).owner)
        yield Cluster(url, passwords)


def new_database(postgres: Cluster, template: str = TEMPLATE) -> AbstractContextManager[Database]:
    """A database cloned in milliseconds from another that nobody uses, dropped at the end."""
    return _clone(postgres, template)


def copied(postgres: Cluster, database: Database) -> AbstractContextManager[Database]:
    """A copy of a database that nobody is connected to, as it is now; dropped at the end."""
    return _clone(postgres, database.name)


@contextmanager
def _clone(postgres: Cluster, template: str) -> Iterator[Database]:
    name = f"test_{next(_numbers)}_{secrets.token_hex(4)}"
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER chat_agent_owner")
    with postgres.admin() as admin:
        admin.execute(clone.format(sql.Identifier(name), sql.Identifier(template)))
    urls = bootstrap.logins(postgres.superuser_url, postgres.passwords, name)
    superuser = postgres.superuser_url.rsplit("/", 1)[0] + f"/{name}"
    yield Database(name, urls.app, urls.archiver, urls.owner, superuser)
    with postgres.admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(postgres: Cluster) -> Iterator[Database]:
    """A database of this test's own."""
    with new_database(postgres) as made:
        yield made


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A real S3 server; the environment's AWS variables lead to it."""
    with running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium; without one these tests are skipped, in CI they fail.

    One a module: while Playwright runs, no other test in its thread can run an event loop.
    """
    with sync_playwright() as playwright:
        path = CHROMIUM if os.path.exists(CHROMIUM) else playwright.chromium.executable_path
        if not os.path.exists(path):
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(NEEDED)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
