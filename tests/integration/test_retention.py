"""What is kept how long: a year of use, and every table that may forget has levelled off."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from control_plane import governance, history, retention, signing_in
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.errors import Throttled, Unauthenticated
from control_plane.models import Intent
from control_plane.store import Store
from control_plane.target import Target

from tests.integration.conftest import ADD, Project, SetClock
from tests.integration.test_approvals import Desk, budget, desk, set_clock
from tests.s3 import S3

__all__ = ["desk", "set_clock"]

WEEKS = 52
BEGIN = datetime(2051, 1, 2, 12, tzinfo=UTC)
POLICY = {
    "limits": {"rate": {"per_minute": 100}, "budget": {"daily": 1000}},
    "approvals": [{"actions": ["budget.set"], "required_role": "admin"}],
}
FORGETFUL = (
    "approvals", "checkpoints", "executions", "idempotency_keys", "login_attempts", "outbox",
    "sessions", "sign_in_links", "usage",
)  # fmt: skip
KEPT = {
    "alembic_version", "anchor_heads", "archive_ranges", "archives", "components", "erasures",
    "members",
    "organizations", "policies", "projects", "tokens", "users",
}  # fmt: skip
"""What grows with people, projects and policies, and by some rows a day with the archive."""


def one_week(desk: Desk, admin: Target, operator: Target, number: int) -> None:
    """Somebody signs in, somebody fails to; work is done, a request decided, a message sent."""
    for times in range(6):
        desk.ask(
            operator, Intent("switch.flip", {"name": ("dark_mode", "new_checkout")[times % 2]})
        )
        note = {"key": f"week {times}", "value": number}
        desk.ask(operator, Intent("memory.remember", note))
    waiting = desk.ask(operator, budget(600 + number))["approval"]["id"]
    desk.vote(admin, waiting)
    signing_in.make_link(desk.store, admin.org, "viewer")
    signing_in.login_by_link(desk.store, signing_in.make_link(desk.store, admin.org, "viewer"))
    with suppress(Unauthenticated, Throttled):
        signing_in.login(desk.store, f"nobody{number}", "wrong", None)


def send_a_message(desk: Desk, admin: Target) -> None:
    """A delivered message, as delivering leaves it."""
    with psycopg.connect(desk.database.superuser) as connection:
        connection.execute(
            "INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at,"
            " delivered_at) SELECT gen_random_uuid(), %s, %s, 1, 'x', '{}', now.at, now.at, now.at"
            " FROM (SELECT chat_agent_clock() AS at) now",
            [admin.org, admin.project],
        )


def sizes(desk: Desk) -> dict[str, int]:
    """Rows by table."""
    with psycopg.connect(desk.database.superuser) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchall()[0][0]
            for name in FORGETFUL
        }


def a_year(desk: Desk, set_clock: SetClock, bucket: Bucket) -> Iterator[dict[str, int]]:
    """Weeks of use, each with a tick and an archive run; the sizes after each."""
    admin, operator = desk.target("approver"), desk.target("operator")
    desk.ask(desk.target("admin"), Intent("project.policy.set", {"document": POLICY}))
    for number in range(WEEKS):
        set_clock(f"timestamptz '{BEGIN + timedelta(weeks=number)}'")
        one_week(desk, admin, operator, number)
        send_a_message(desk, admin)
        governance.tick(desk.database.app)
        run.archive(desk.database.archiver, bucket, 90)
        yield sizes(desk)


def test_a_year_of_use_levels_off(desk: Desk, set_clock: SetClock, s3: S3) -> None:
    """After the longest retention no table grows any more."""
    weeks = list(a_year(desk, set_clock, Bucket(s3.new_bucket())))
    assert all(weeks[20][name] for name in FORGETFUL)
    for name in FORGETFUL:
        middle, end = (max(week[name] for week in part) for part in (weeks[16:34], weeks[34:]))
        assert end <= middle, name
        assert end < 250, name


def test_every_table_forgets_or_is_known_to_stay(desk: Desk) -> None:
    """A new table is in neither list until somebody has thought of its growth."""
    with psycopg.connect(desk.database.superuser) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        found = {row[0] for row in connection.execute(query)}
    assert found == KEPT | set(FORGETFUL)


def test_any_version_is_read_after_checkpoints_were_thinned(
    project: Project, set_clock: SetClock
) -> None:
    """Of old checkpoints the first of each 1,024 versions stays; every state is as before."""
    set_clock("timestamptz '2051-01-01'")
    for _ in range(300):
        project.execute(ADD)
    archived, versions = Archive(project.store), range(0, 302, 13)

    def states() -> list[object]:
        return [
            history.state_at_version(project.store, archived, project.target, version)
            for version in versions
        ]

    before = states()
    set_clock("timestamptz '2051-03-20'")
    for _ in range(30):
        project.execute(ADD)
    set_clock("timestamptz '2051-04-15'")
    for _ in range(2):
        governance.tick(project.database.app)
        kept = project.rows("SELECT version FROM checkpoints WHERE project_id = %s ORDER BY 1")
        assert [row["version"] for row in kept] == [64, 320]
    assert states() == before


def test_much_is_forgotten_in_batches(
    project: Project, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a tick may forget is left for the next; with no time left, all is."""
    for _ in range(25):
        project.execute(ADD)
    set_clock("clock_timestamp() + interval '8 days'")
    monkeypatch.setattr(retention, "BATCH", 5)
    monkeypatch.setattr(retention, "MOST_BATCHES", 3)
    left = "SELECT count(*) AS rows FROM idempotency_keys WHERE %s <> ''"
    before = project.rows(left)[0]["rows"]
    assert governance.tick(project.database.app, seconds=9)["forgotten"] == 0
    governance.tick(project.database.app)
    assert project.rows(left)[0]["rows"] == before - 15


def test_a_request_may_be_repeated_for_a_week(project: Project, set_clock: SetClock) -> None:
    """A key is there on the sixth day, and on the eighth it is not."""
    first = project.execute(ADD, request_id="kept")
    set_clock("clock_timestamp() + interval '6 days'")
    governance.tick(project.database.app)
    assert project.execute(ADD, request_id="kept") == first
    set_clock("clock_timestamp() + interval '8 days'")
    governance.tick(project.database.app)
    assert project.execute(ADD, request_id="kept")["seq"] == first["seq"] + 1


def test_no_caller_chooses_how_long(project: Project) -> None:
    """The application names a kind and a number of rows; what is due the database knows."""
    with psycopg.connect(project.database.app) as connection:
        with pytest.raises(psycopg.errors.CaseNotFound):
            connection.execute("SELECT forget('executions', 1)")
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT thin_checkpoints('infinity', 1)")


def test_the_documented_retention_is_the_retention(project: Project) -> None:
    """docs/archive.md has the table that the database has, reasons included."""
    page = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()
    rows = Store(project.database.app).call("SELECT kind, kept::text, reason FROM retention()")
    documented = re.findall(r"^\| ([a-z -]+) \| ([0-9a-z ]+) \| (.+) \|$", page, re.MULTILINE)
    spoken = {"00:00:00": "until its end", "01:00:00": "1 hour"}
    expected = [(row["kind"], spoken.get(row["kept"], row["kept"]), row["reason"]) for row in rows]
    assert documented == [("what", "kept", "because"), *expected]
