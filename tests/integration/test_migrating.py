"""Migrating while the database is in use."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from control_plane import migrations
from control_plane.migrations import migrate, newest
from control_plane.settings import settings

from infra.cli import main
from infra.local import bootstrap
from tests.conftest import Cluster

READ = "SELECT count(*) FROM executions"


@pytest.fixture
def owner(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The owner's login of an older database, whose `executions` a later version alters."""
    name = f"old_{secrets.token_hex(4)}"
    bootstrap.create_database(postgres.superuser_url, name)
    url = bootstrap.logins(postgres.superuser_url, postgres.passwords, name).owner
    upgrade = command.upgrade
    with monkeypatch.context() as until:
        until.setattr(command, "upgrade", lambda config, _: upgrade(config, "0005"))
        migrate(url)
    yield url
    with postgres.admin() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def version(url: str) -> str:
    """The schema's version as the database has it."""
    with psycopg.connect(url) as connection:
        [found] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or [""]
    return str(found)


def test_requests_go_on_while_a_migration_waits_for_a_long_reader(owner: str) -> None:
    """It asks for the table again and again; who comes later isn't kept waiting behind it."""
    with ThreadPoolExecutor(1) as pool, psycopg.connect(owner) as reader:
        reader.execute(READ)
        migrated = pool.submit(migrate, owner)
        for _ in range(8):
            with psycopg.connect(owner, options="-c lock_timeout=4s") as request:
                request.execute(READ)
                request.execute("SELECT pg_sleep(0.5)")
        assert not migrated.done()
        reader.rollback()
        assert migrated.result(timeout=60) == newest() == version(owner)


def test_a_reader_that_never_ends_is_told(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; the migration that needed the table has left nothing behind."""
    monkeypatch.setattr(migrations, "_LOCK_PATIENCE_S", 0)
    monkeypatch.setenv("CHAT_AGENT_OWNER_DATABASE_URL", owner)
    monkeypatch.setattr("sys.argv", ["chat-agent", "migrate"])
    settings.cache_clear()
    with psycopg.connect(owner) as reader:
        reader.execute(READ)
        with pytest.raises(SystemExit, match="Migrate again when the archive run"):
            main()
    assert version(owner) == "0005"
    assert migrate(owner) == version(owner)
