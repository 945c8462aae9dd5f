"""The local PostgreSQL: real, protected, and nothing acknowledged is lost when it is killed."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local import account
from infra.local.errors import LocalError
from infra.local.postgres import Postgres, PostgresError, free_port

START_AND_WAIT = """
import sys, time
from pathlib import Path
from infra.local.postgres import Postgres
server = Postgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    with Postgres(tmp_path / "data", durable=False) as server:
        yield server


def write(server: Postgres, value: int) -> None:
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def read(server: Postgres) -> list[int]:
    with psycopg.connect(server.superuser_url()) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY 1")]


def kill(server: Postgres) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    while server.running:
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_rows_survive_kill_and_restart(server: Postgres) -> None:
    """What was committed is there after kill -9, on the same directory and with its password."""
    for value in range(3):
        write(server, value)
        kill(server)
        server.start()
    assert read(server) == [0, 1, 2]


def test_a_clean_stop_keeps_rows_and_frees_the_directory(server: Postgres) -> None:
    """After an orderly stop another object starts the same data."""
    write(server, 7)
    server.stop()
    assert not server.running
    with Postgres(server.data_dir, durable=False) as again:
        assert read(again) == [7]


def test_version_is_18_or_later_and_settings_hold(server: Postgres) -> None:
    """It is PostgreSQL 18 with 200 connections, a byte-wise built-in collation and UTC."""
    with psycopg.connect(server.superuser_url()) as connection:
        assert connection.info.server_version >= 180000
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("max_connections", "timezone", "listen_addresses", "fsync")
        }
    assert {name: row and row[0] for name, row in shown.items()} == {
        "max_connections": "200",
        "timezone": "UTC",
        "listen_addresses": "127.0.0.1",
        "fsync": "off",
    }


def test_fsync_stays_on_unless_asked(tmp_path: Path) -> None:
    """By default nothing about durability is switched off."""
    with Postgres(tmp_path) as server, psycopg.connect(server.superuser_url()) as connection:
        for name in (b"fsync", b"synchronous_commit", b"full_page_writes"):
            row = connection.execute(b"SHOW " + name).fetchone()
            assert row == ("on",)


def test_a_wrong_password_is_refused(server: Postgres) -> None:
    """Nobody gets in without the password, which only the directory's owner can read."""
    wrong = server.superuser_url().replace(server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    mode = (server.data_dir / "superuser-password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends it with its parent.")
def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """kill -9 of the process that started it ends the server, and the data starts again."""
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)
    with Postgres(tmp_path, durable=False) as server:
        write(server, 1)


def test_a_server_left_running_is_stopped_first(server: Postgres) -> None:
    """A server that still runs on the directory gives way to the new start, with its rows."""
    write(server, 5)
    left = server.pid
    with Postgres(server.data_dir, durable=False) as successor:
        assert read(successor) == [5]
        assert successor.pid != left
        assert not server.running


def test_a_pid_file_of_another_program_does_not_hinder(server: Postgres) -> None:
    """A stale postmaster.pid whose number now belongs to somebody else is put aside."""
    write(server, 5)
    server.stop()
    pid_file = server.cluster / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{server.cluster}\n0\n5432\n\n127.0.0.1\n\nready\n")
    server.start()
    assert read(server) == [5]


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    """What a killed first start left behind is replaced."""
    (tmp_path / "cluster.new" / "base").mkdir(parents=True)
    with Postgres(tmp_path, durable=False) as server:
        write(server, 1)


def test_a_taken_port_is_told(server: Postgres, tmp_path: Path) -> None:
    """A fixed port that somebody has makes the start fail with PostgreSQL's own words."""
    with pytest.raises(PostgresError, match="Address already in use"):
        Postgres(tmp_path / "second", server.port, durable=False).start()


def test_a_fixed_port_is_used(tmp_path: Path) -> None:
    """The port that was asked for is the one it listens on."""
    port = free_port()
    with Postgres(tmp_path, port, durable=False) as server:
        assert f":{port}/" in server.superuser_url()
        write(server, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has to become somebody else.")
def test_root_without_user_namespaces_uses_another_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where containers forbid user namespaces, root starts it as an unprivileged account."""
    monkeypatch.setattr(account, "_user_namespaces_work", lambda: False)
    with Postgres(tmp_path, durable=False) as server:
        write(server, 1)
        assert server.cluster.stat().st_uid == account.unprivileged_uid()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has to become somebody else.")
def test_root_without_any_tool_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With neither unshare nor setpriv the message says so."""
    monkeypatch.setattr(account, "_user_namespaces_work", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="ordinary user, or install util-linux"):
        Postgres(tmp_path / "data").start()
