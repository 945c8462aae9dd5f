"""The schema's history (Alembic, raw SQL), and the roles it rests on."""

import time
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

from control_plane.errors import Unavailable
from control_plane.store.login import connect

HERE = Path(__file__).parent
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('chat-agent:migrations', 0))"
_PATIENCE_S = 120.0
"""How long another migration is waited for."""
_LOCK_PATIENCE_S = 600.0
"""How long a lock is asked for again and again."""
_SESSION = "SET lock_timeout = '2s'; SET idle_session_timeout = 0"
"""Who waits for a table's lock keeps everybody waiting who comes later: not for long."""


def run_sql(*names: str) -> None:
    """Run SQL files of this migration, each as one text. For use in `versions/` only."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("Migrations run on a live connection only.")
    for name in names:
        connection.execute((HERE / "sql" / name).read_text())


def migrate(owner_url: str) -> str:
    """Bring the schema to the newest version, as its owner. Returns that version.

    One runner at a time: others poll, since waiting in `pg_advisory_lock` while the first runs
    CREATE INDEX CONCURRENTLY ends in a deadlock. Where a table is in use, by the archiver perhaps,
    it is asked for again and again, and requests go on meanwhile.

    Raises `Unavailable` where another runner, or whoever uses a table, takes too long, and
    `psycopg.Error` where the database doesn't answer.
    """
    try:
        _migrate(owner_url)
    except sqlalchemy.exc.DBAPIError as error:
        raise error.orig or error from None
    return newest()


def _migrate(owner_url: str) -> None:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _owner(owner_url), poolclass=sqlalchemy.NullPool
    )
    with engine.connect() as guard, engine.connect() as connection:
        _wait_for_turn(guard.execution_options(isolation_level="AUTOCOMMIT"))
        config = _config()
        config.attributes["connection"] = connection
        _upgrade(config, connection)
        connection.commit()


def _upgrade(config: Config, connection: sqlalchemy.Connection) -> None:
    """Run what is new, each migration in a transaction; tried again where a table is in use."""
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            return command.upgrade(config, "head")
        except psycopg.errors.LockNotAvailable:
            connection.rollback()
            if time.monotonic() > deadline:
                raise Unavailable(
                    "A table to be changed has been in use for ten minutes; what came before it is"
                    " done. Migrate again when the archive run, or whoever uses it, has ended."
                ) from None
            time.sleep(1)


def _owner(url: str) -> psycopg.Connection[Any]:
    connection = connect(url)
    connection.execute(_SESSION)
    connection.commit()
    return connection


def newest() -> str:
    """The version that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return head or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config


def _wait_for_turn(guard: sqlalchemy.Connection) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not guard.scalar(sqlalchemy.text(_LOCK)):
        if time.monotonic() > deadline:
            raise Unavailable(
                "Another migration has been running for two minutes. Look at it, then try again."
            )
        time.sleep(0.1)
