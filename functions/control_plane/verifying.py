"""Verifies the trail where it lives: the database, the archive's bucket, the anchors' bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, opened
from control_plane.errors import NotFound, Unavailable
from control_plane.proof import notice
from control_plane.proof.anchors import Anchors
from control_plane.proof.archive import ArchiveCheck
from control_plane.proof.finding import Broken
from control_plane.proof.live import LiveCheck, Stated
from control_plane.proof.report import Report, checked
from control_plane.proof.state import Component, check_states
from control_plane.store.connection import sql

FETCH_ROWS = 64
ATTEMPTS = 3

type Progress = Callable[[int], None]
type Row = dict[str, Any]


class _Overtaken(Exception):
    """An archive run moved executions, or wrote objects anew, while they were verified."""


@dataclass(frozen=True)
class Trail:
    """The trail of all organizations, as the archiver's login reaches it."""

    url: str
    anchors: Bucket

    def organizations(self, slug: str | None = None) -> list[Row]:
        """Id (`org`) and slug of every organization, or of one. Raises `NotFound`."""
        found = self._fetch("verify_organizations", slug=slug)
        if slug and not found:
            raise NotFound(f"There is no organization {slug!r}.")
        return found

    def missing(self) -> list[Row]:
        """Organizations that have anchors and aren't in the database; by id, which is the slug."""
        anchored = notice.anchored(self.anchors.keys("anchors/"))
        there = {row["org"] for row in self.organizations()}
        return [{"org": org, "slug": org} for org in anchored if org not in there]

    def size(self, org: str) -> int:
        """How many executions an organization has, archived and live."""
        return int(self._fetch("verify_size", org=org)[0]["rows"])

    def check(
        self, org: str, project: str | None = None, progress: Progress = lambda _: None
    ) -> Report:
        """Verify an organization, or one project of it by id or slug.

        `progress` is told the number of executions now and then. When an archive run moves
        executions meanwhile it begins anew; raises `Unavailable` when that happens again and again.
        """
        only = project and self._project(org, project)
        for _ in range(ATTEMPTS):
            with opened(self.url) as connection:
                try:
                    return _Check(connection, self.anchors, org, only, progress).run()
                except _Overtaken:
                    continue
        raise Unavailable("Archive runs went on all the time. Verify again when they have ended.")

    def _project(self, org: str, project: str) -> str:
        found = self._fetch("verify_projects", org=org, project=project)
        if not found:
            raise NotFound(f"There is no project {project!r} in this organization.")
        return str(found[0]["project"])

    def _fetch(self, query: str, **parameters: Any) -> list[Row]:
        with opened(self.url) as connection:
            return fetch(connection, query, **parameters)


class _Check:
    """One verification: anchors first, then the manifest's objects, what is live, and the state."""

    def __init__(
        self,
        connection: Connection,
        anchors: Bucket,
        org: str,
        only: str | None,
        progress: Progress,
    ) -> None:
        self._connection, self._bucket, self._progress = connection, anchors, progress
        self._wanted = {"org": org, "project": only}
        known = Anchors(org)
        self._keys = self._anchored()
        self._manifest = {row["key"]: row for row in self._fetch("verify_manifest")}
        listed = {key: (row["sha256"], row["rows"]) for key, row in self._manifest.items()}
        rewritten = [row["key"] for row in self._fetch("verify_rewritten")]
        self._report = Report(org, known, ArchiveCheck(known, only, listed, rewritten))

    def run(self) -> Report:
        report = checked(self._report, self._steps)
        if report.finding and self._has_moved():
            raise _Overtaken
        return report

    def _anchored(self) -> list[str]:
        folders = notice.folders(str(self._wanted["org"]))
        return notice.in_order(key for at in folders for key in self._bucket.keys(at))

    def _has_moved(self) -> bool:
        """Whether a run has changed what is read here since: then no fault is certain."""
        manifest = {row["key"] for row in self._fetch("verify_manifest")}
        return manifest != set(self._manifest) or self._anchored() != self._keys

    def _listing(self) -> set[str]:
        """What a restore, or whoever fetches the archive, would find of it."""
        folder = f"executions/org={self._wanted['org']}/"
        buckets = {row["bucket"] for row in self._manifest.values()}
        return {key for name in sorted(buckets) for key in Bucket(name).keys(folder)}

    def _steps(self) -> None:
        self._listed = self._listing()
        read = self._bucket.chunks
        self._report.anchors.add_all((key, b"".join(read(key))) for key in self._keys)
        self._report.archive.run(self._manifest, self._object)
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._connection.read_only = True
        with self._connection.transaction():
            if {row["key"] for row in self._fetch("verify_manifest")} != set(self._manifest):
                raise _Overtaken
            stated = [Stated(**row) for row in self._fetch("verify_projects")]
            chains = self._report.archive.chains
            self._report.live = LiveCheck(chains, stated, self._report.anchors)
            self._live(self._report.live)

    def _object(self, key: str) -> Iterator[bytes]:
        row, size = self._manifest[key], 0
        for chunk in Bucket(row["bucket"]).chunks(key, row["version_id"]):
            if key not in self._listed:
                raise Broken("A delete marker hides it from a restore: delete the marker.")
            yield chunk
            size += len(chunk)
        if size == 0:
            raise Broken("It is not in its bucket, where the database's manifest has it.")
        self._progress(row["rows"])

    def _live(self, live: LiveCheck) -> None:
        live.begin()
        with self._connection.cursor(name="live") as cursor:
            cursor.itersize = FETCH_ROWS
            cursor.execute(sql("verify_rows"), self._wanted)
            for row in cursor:
                live.take(row)
                if live.rows % FETCH_ROWS == 0:
                    self._progress(FETCH_ROWS)
        self._progress(live.rows % FETCH_ROWS)
        live.end()
        if self._wanted["project"] is None:
            live.check_left_out()
        components = [Component(**row) for row in self._fetch("verify_components")]
        check_states(self._report.archive.chains, live.unpurged(), components)

    def _fetch(self, query: str) -> list[Row]:
        return fetch(self._connection, query, **self._wanted)
