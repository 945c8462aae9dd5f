"""The drill: a base backup and the log of what was written since, replayed up to a moment."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from control_plane.migrations import migrate
from control_plane.recovery import outbox
from control_plane.store import Store

from infra.local import bootstrap
from infra.local.postgres import Postgres, program
from tests.conftest import ADMIN_PASSWORD, Database
from tests.integration.conftest import Project, sign_in
from tests.recovering import World
from tests.s3 import S3

ROLES = ("chat_agent_app", "chat_agent_archiver", "chat_agent_owner")
PASSWORDS = {role: secrets.token_hex(8) for role in ROLES}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """A cluster that archives its log, with the product's database."""
    (tmp_path / "wal").mkdir()
    more = {"archive_mode": "on", "archive_command": f"cp '%p' '{tmp_path}/wal/%f'"}
    with Postgres(tmp_path / "first", durable=False, more=more) as first:
        bootstrap.create_roles(first.superuser_url(), PASSWORDS)
        bootstrap.create_database(first.superuser_url())
        migrate(reached(first).owner)
        yield first


def reached(server: Postgres) -> Database:
    """A cluster's database by its logins."""
    urls = bootstrap.logins(server.superuser_url(), PASSWORDS)
    superuser = server.superuser_url(bootstrap.DATABASE)
    return Database(bootstrap.DATABASE, urls.app, urls.archiver, urls.owner, superuser)


def back_up(server: Postgres, folder: Path) -> None:
    """Take a base backup while the cluster runs; what was written since is in its log."""
    command = [program("pg_basebackup"), "-d", server.superuser_url(), "-D", folder / "cluster"]
    options = ["--wal-method=none", "--checkpoint=fast", "--no-sync"]
    folder.mkdir()
    subprocess.run([*map(str, command), *options], check=True, capture_output=True)
    shutil.copy(server.data_dir / "superuser-password", folder)


def moment_of(server: Postgres) -> str:
    """Now, with nothing committed at the very same moment."""
    time.sleep(0.01)
    with psycopg.connect(server.superuser_url()) as connection:
        [(now,)] = connection.execute("SELECT clock_timestamp()::text").fetchall()
    time.sleep(0.01)
    return str(now)


@contextmanager
def recovered(server: Postgres, folder: Path, moment: str, wal: Path) -> Iterator[Postgres]:
    """A second cluster, from the backup and the first one's log up to a moment."""
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        switched = "SELECT pg_walfile_name(pg_switch_wal())"
        [(last,)] = connection.execute(switched).fetchall()
    deadline = time.monotonic() + 20
    while not (wal / last).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    (folder / "cluster" / "recovery.signal").touch()
    more = {
        "restore_command": f"cp '{wal}/%f' '%p'",
        "recovery_target_time": moment,
        "recovery_target_action": "promote",
    }
    with Postgres(folder, durable=False, more=more) as second:
        wait_for_writes(second)
        yield second


def wait_for_writes(server: Postgres) -> None:
    """A cluster can be read before it has replayed everything up to the moment."""
    deadline = time.monotonic() + 20
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        while connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_point_in_time_recovery(server: Postgres, s3: S3, tmp_path: Path) -> None:
    """To before the last archive runs: nothing is there or sent twice, what is lost is named."""
    database = reached(server)
    store = Store(database.app)
    bootstrap.seed(store, ADMIN_PASSWORD)
    world = World(Project(store, sign_in(store), database), s3)
    world.execute(3)
    world.archive()
    back_up(server, tmp_path / "second")
    kept = world.execute(4)
    world.put_message("before")
    moment = moment_of(server)
    sent = world.send()
    world.archive()  # of what the recovered database has as rows
    world.execute(5)
    world.archive()  # of what it has lost
    lost = world.execute(2)
    world.anchor()
    with recovered(server, tmp_path / "second", moment, tmp_path / "wal") as second:
        world.use(reached(second))
        assert world.log()[-1]["hash"] == kept["hash"]
        recovery = world.recover()
        [only] = recovery.organizations
        assert (recovery.held, only.adopted.objects, len(only.adopted.left)) == (1, 1, 1)
        world.put_message("after")
        sent += world.send()
        goes_on(world, kept["seq"], lost["seq"], lost["hash"])
        assert sent == ["before", "after"]
        assert outbox.release(world.project.database.owner) == 1
        world.project.store.disconnect()


def goes_on(world: World, kept: int, last: int, hash: str) -> None:
    """Execution, archive and anchors go on after what is named, and everything verifies."""
    recorded = world.log()[-1]
    [claim] = recorded["inputs"]["abandoned"]
    assert (recorded["action"], recorded["seq"]) == ("project.recover", kept + 1)
    assert (claim["first_seq"], claim["last_seq"], claim["hash"]) == (kept + 1, last, hash)
    assert claim in world.check()
    world.execute(9)
    world.archive()
    assert claim in world.check()
    assert world.has_each_once()
