"""The schema's history (Alembic, raw SQL), and the roles it rests on."""

import time
from pathlib import Path

import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

from control_plane.store.login import connect

HERE = Path(__file__).parent
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('chat-agent:migrations', 0))"
_PATIENCE_S = 120.0


class MigrationTimeout(Exception):
    """Another migration has been running for two minutes. Look at it before you try again."""


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
    CREATE INDEX CONCURRENTLY ends in a deadlock.
    """
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connect(owner_url), poolclass=sqlalchemy.NullPool
    )
    with engine.connect() as guard, engine.connect() as connection:
        _wait_for_turn(guard.execution_options(isolation_level="AUTOCOMMIT"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return newest()


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
            raise MigrationTimeout(MigrationTimeout.__doc__)
        time.sleep(0.1)
