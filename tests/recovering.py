"""A project with its archive and anchors, whose database can be set back."""

from copy import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from control_plane import reading, settings
from control_plane.archive import run as runs
from control_plane.archive.anchors import anchor
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.models import SYSTEM, Intent
from control_plane.recovery.run import Logins, Recovery, recover
from control_plane.registry import load_registries
from control_plane.restore.source import Buckets
from control_plane.store import Store
from control_plane.target import Target
from control_plane.verifying import Trail

from tests.conftest import Database
from tests.evidence import fetched
from tests.s3 import S3
from tests.verifying import in_javascript, in_python

if TYPE_CHECKING:
    from tests.integration.conftest import Project

ADD = Intent("demo.counter.increment", {})
REGISTRIES = load_registries()
_CLAIM = """
UPDATE outbox SET delivered_at = chat_agent_clock() WHERE id IN (
  SELECT id FROM outbox WHERE delivered_at IS NULL AND next_at <= chat_agent_clock()
  ORDER BY next_at FOR UPDATE SKIP LOCKED) RETURNING body
"""
_PUT = """
INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at)
SELECT gen_random_uuid(), %s, %s, 1, 't', %s, now, now FROM chat_agent_clock() now
"""
_ROWS = """
SELECT project_id::text, seq, seq FROM executions
UNION ALL SELECT project_id::text, first_seq, last_seq FROM archive_ranges ORDER BY 1, 2
"""


def reach(
    monkeypatch: pytest.MonkeyPatch, database: Database, buckets: Buckets, **more: str
) -> None:
    """Let commands and functions reach this database and these buckets, by their settings."""
    for name, value in {
        "DATABASE_URL": database.app,
        "OWNER_DATABASE_URL": database.owner,
        "ARCHIVER_DATABASE_URL": database.archiver,
        "ARCHIVE_BUCKET": buckets.archive.name,
        "ANCHOR_BUCKET": buckets.anchor.name,
        **more,
    }.items():
        monkeypatch.setenv(f"CHAT_AGENT_{name}", value)
    settings.settings.cache_clear()


class World:
    """A project `demo`, its buckets, and what one does with them."""

    def __init__(self, project: "Project", s3: S3) -> None:
        self.project, self.s3 = project, s3
        self.source = Buckets(Bucket(s3.new_bucket()), Bucket(s3.new_anchor_bucket()))

    @property
    def org(self) -> str:
        """The organization's id."""
        return self.project.target.org

    @property
    def id(self) -> str:
        """The project's id."""
        return self.project.target.project

    def execute(self, count: int = 1) -> Any:
        """So many executions; answers the last."""
        return [self.project.execute(ADD) for _ in range(count)][-1]

    def archive(self) -> None:
        """Everything up to now goes to the archive, and an anchor says so."""
        runs.archive(self.project.database.archiver, self.source.archive, 0)
        self.anchor()

    def anchor(self, *, follow: bool = False) -> None:
        """An anchor of now."""
        anchor(self.project.database.archiver, self.source.anchor, follow=follow)

    def use(self, database: Database) -> None:
        """From now on this is the database."""
        self.project.store.disconnect()
        target = Target(self.org, self.id, SYSTEM, REGISTRIES["demo"])
        store = Store(database.app)
        self.project = replace(self.project, store=store, target=target, database=database)

    def recover(self) -> Recovery:
        """Recover the database."""
        held = self.project.database
        return recover(Logins(held.app, held.archiver, held.owner), self.source, REGISTRIES)

    def log(self) -> list[Any]:
        """The project's whole log, oldest first, across the border to the archive."""
        store, wanted = self.project.store, reading.ANY
        page = reading.executions(store, Archive(store), self.project.target, 200, None, **wanted)
        return list(reversed(page["items"]))

    def check(self) -> list[Any]:
        """The forks of a trail in order, where it lives and by both verifiers from a folder."""
        report = Trail(self.project.database.archiver, self.source.anchor).check(self.org)
        assert report.finding is None, report.finding
        buckets = (self.source.archive.name, self.source.anchor.name)
        files = fetched(self.s3, buckets[0]) | fetched(self.s3, buckets[1])
        reports = in_python(files)
        assert [str(each.finding) for each in reports if each.finding] == []
        assert in_javascript({}, [files]) == [[each.members() for each in reports]]
        forks: list[Any] = report.members()["forks"]
        return forks

    def rows(self) -> list[Any]:
        """Executions in the database and by the manifest: project, first and last seq."""
        with psycopg.connect(self.project.database.superuser) as connection:
            return connection.execute(_ROWS.encode()).fetchall()

    def has_each_once(self) -> bool:
        """Whether every (project, seq) is there exactly once, in the database or archived."""
        seqs = [(project, n) for project, a, b in self.rows() for n in range(a, b + 1)]
        heads = self.project.rows("SELECT id::text, seq FROM projects WHERE %s <> ''")
        return sorted(seqs) == sorted((h["id"], n) for h in heads for n in range(1, h["seq"] + 1))

    def put_message(self, body: str) -> None:
        """Put a message into the outbox."""
        with psycopg.connect(self.project.database.owner) as connection:
            connection.execute(_PUT.encode(), [self.org, self.id, body])

    def send(self) -> list[str]:
        """Deliver what is due, as whoever claims it does; the bodies."""
        with psycopg.connect(self.project.database.owner) as connection:
            return [row[0] for row in connection.execute(_CLAIM.encode())]
