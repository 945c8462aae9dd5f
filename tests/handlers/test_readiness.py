"""Whether the function is ready: told honestly, tersely and soon, whatever the database does."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from control_plane import settings
from control_plane.ids import uuid7
from control_plane.store import SCHEMA_VERSION
from handlers import api

from infra.local import bootstrap
from tests.conftest import Cluster, Database
from tests.handlers.conftest import Answer, Call
from tests.handlers.events import Context, event

SOON_S = 5.5


def ask(monkeypatch: pytest.MonkeyPatch, url: str, path: str = "/readyz") -> Answer:
    """What a function answers whose database is at `url`."""
    monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", url)
    settings.settings.cache_clear()
    answered = api.handler(event("GET", path), Context())
    settings.settings.cache_clear()
    return Answer(answered["statusCode"], answered["headers"], json.loads(answered["body"]))


def assert_unavailable(answer: Answer, *internals: str) -> None:
    """503 as a problem, whose sentence is ours."""
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    assert answer.body.keys() == {"type", "title", "status", "detail", "code"}
    for internal in ("postgresql", "127.0.0.1", "chat_agent", "relation", *internals):
        assert internal not in json.dumps(answer.body)


def test_a_migrated_database_is_ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells the schema's version, and that no message waits."""
    answer = ask(monkeypatch, database.app)
    assert answer.status == 200
    assert answer.body == {"status": "ready", "schema": SCHEMA_VERSION, "outbox_age_seconds": 0}


def send_message(database: Database, minutes: int) -> None:
    """Put a message of some minutes ago into the outbox of the first project."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            """INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at)
            SELECT %s, org_id, id, 1, 't', '{}', moment, moment
            FROM projects, LATERAL (SELECT now() - %s * interval '1 minute' AS moment) m LIMIT 1""",
            (uuid7(), minutes),
        )


def test_the_oldest_waiting_message_tells_its_age(call: Call, database: Database) -> None:
    """Of whatever tenant it is; those that were delivered don't count."""
    send_message(database, minutes=1)
    send_message(database, minutes=10)
    assert 600 <= call("GET", "/readyz").body["outbox_age_seconds"] < 630
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE outbox SET delivered_at = now()")
    assert call("GET", "/readyz").body["outbox_age_seconds"] == 0


@pytest.mark.parametrize(
    "change",
    ["UPDATE alembic_version SET version_num = '0003'", "DROP TABLE alembic_version"],
)
def test_another_schema_is_not_ready(
    database: Database, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Neither an older one nor none."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute(change.encode())
    assert_unavailable(ask(monkeypatch, database.app), "alembic")


def test_an_empty_database_is_not_ready(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that no migration has ever seen."""
    bootstrap.create_database(postgres.superuser_url, "never_migrated")
    url = bootstrap.logins(postgres.superuser_url, postgres.passwords, "never_migrated").app
    assert_unavailable(ask(monkeypatch, url), "never_migrated")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://chat_agent_app:hidden@127.0.0.1:1/nowhere",
        "postgresql://chat_agent_app:hidden@[unreadable",
        "",
    ],
)
def test_a_database_that_cannot_be_reached_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Nothing is told of its address; and the function lives all the same."""
    assert_unavailable(ask(monkeypatch, url), "hidden", "nowhere", "unreadable")
    assert ask(monkeypatch, url, "/livez").status == 200


def test_a_database_that_locks_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that doesn't end is given up after some seconds."""
    with psycopg.connect(database.superuser) as holder:
        holder.execute("LOCK TABLE alembic_version")
        started = time.monotonic()
        assert_unavailable(ask(monkeypatch, database.app))
        assert time.monotonic() - started < SOON_S
    assert ask(monkeypatch, database.app).status == 200


@contextmanager
def mute_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    kept: list[socket.socket] = []

    def take(server: socket.socket) -> None:
        while True:
            try:
                kept.append(server.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=take, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
    for connection in kept:
        connection.close()


def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is frozen, so that none of its own time limits helps."""
    with mute_server() as port:
        started = time.monotonic()
        url = f"postgresql://chat_agent_app:hidden@127.0.0.1:{port}/x"
        assert_unavailable(ask(monkeypatch, url), "hidden", str(port))
        assert time.monotonic() - started < SOON_S
