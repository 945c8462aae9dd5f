"""What operators see of the functions that nobody calls by HTTP: archive, tick."""

import json
from typing import Any

import psycopg
import pytest
from control_plane import settings
from control_plane.ids import uuid7
from control_plane.observing.functions import RunFailed
from control_plane.store import Store
from handlers import archive, tick

from infra.local.bootstrap import seed
from tests.conftest import ADMIN_PASSWORD, Database
from tests.handlers.events import Context
from tests.s3 import S3

AFTER_DAYS = 90
DAY_S = 86400


@pytest.fixture
def old(database: Database, s3: S3, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database whose executions are all a hundred days old, and the functions' settings."""
    seed(Store(database.app), ADMIN_PASSWORD)
    with psycopg.connect(database.owner) as connection:
        connection.execute("""CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz
            LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() + interval '100 days' $$""")
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", database.archiver)
    monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", database.app)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", s3.new_bucket())
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", s3.new_bucket())
    settings.settings.cache_clear()
    return database


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one line of metrics that was printed."""
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [each for each in printed if "_aws" in each]
    return line


@pytest.mark.usefixtures("old")
def test_an_archive_run_tells_what_it_moved(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Rows, objects, and that nothing is left."""
    moved = archive.handler({}, Context(900))
    line = metrics(capsys)
    assert line["ArchivedRows"] == [moved["rows"]] != [0]
    assert line["ArchivedObjects"] == [moved["objects"]]
    assert line["ArchiveLag"] == [0]
    assert line["service"] == "archive"
    [record] = caplog.records
    assert vars(record)["archived_rows"] == moved["rows"]
    assert vars(record)["invocation_id"] == Context.aws_request_id


@pytest.mark.usefixtures("old")
def test_what_a_run_leaves_behind_is_the_archives_lag(capsys: pytest.CaptureFixture[str]) -> None:
    """The age of the oldest execution that is due, where a run had no time for it."""
    archive.handler({}, Context(1))
    line = metrics(capsys)
    assert line["ArchivedRows"] == [0]
    assert 100 * DAY_S <= line["ArchiveLag"][0] < 101 * DAY_S


@pytest.mark.usefixtures("old")
def test_what_is_not_due_is_no_lag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Executions younger than the setting says aren't looked at."""
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_AFTER_DAYS", "101")
    settings.settings.cache_clear()
    archive.handler({}, Context(1))
    assert metrics(capsys)["ArchiveLag"] == [0]


def test_a_run_that_fails_says_why_and_how_far_it_is_behind(
    old: Database, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A broken chain names its project and number; Lambda sees a failed invocation."""
    with psycopg.connect(old.superuser) as connection:
        connection.execute("UPDATE executions SET record = replace(record, '\"v\":1', '\"v\":2')")
    with pytest.raises(RunFailed, match="Incomplete"):
        archive.handler({}, Context(900))
    assert metrics(capsys)["ArchiveLag"][0] > AFTER_DAYS * DAY_S
    told = vars(caplog.records[-1])
    assert told["error"] == "control_plane.archive.outcome.Incomplete"
    assert "seq 1" in told["detail"]
    assert told["levelname"] == "ERROR"


def test_a_tick_tells_how_long_messages_wait(
    old: Database, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The age of the oldest that was not delivered, of all tenants."""
    tick.handler({}, Context())
    assert metrics(capsys)["OutboxLag"] == [0]
    with psycopg.connect(old.superuser) as connection:
        connection.execute(
            """INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at)
            SELECT %s, org_id, id, 1, 't', '{}', now(), now() FROM projects LIMIT 1""",
            (uuid7(),),
        )
    tick.handler({}, Context())
    assert 100 * DAY_S <= metrics(capsys)["OutboxLag"][0] < 101 * DAY_S
    told = vars(caplog.records[-1])
    assert (told["expired"], told["forgotten"]) == (0, 0)
