"""The archive run: whole old UTC days to S3, read back, then removed, each part a transaction.

It can be killed at any step and run again, also twice at once: an object is never overwritten, and
rows are removed only in the transaction that writes the manifest, only as exactly the ranges that
were read back from S3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, opened
from control_plane.archive.outcome import BrokenChain, Incomplete, Overtaken, ReadBackDiffers
from control_plane.archive.part import Part, Range, write_part
from control_plane.ids import uuid7
from control_plane.store.connection import sql

FETCH_ROWS = 64
"""Rows held in memory at a time: each may be several hundred KiB."""
RESERVE_S = 120.0
"""Time that one part may take; none is begun with less."""
_TEMPORARY_IN_MEMORY = 8 * 1024 * 1024

type Progress = Callable[[int], None]


@dataclass
class Summary:
    """What a run did."""

    objects: int = 0
    rows: int = 0


def _silent(_rows: int) -> None:
    """Progress that nobody follows."""


def archive(
    url: str,
    bucket: Bucket,
    after_days: int,
    *,
    progress: Progress = _silent,
    time_left: Callable[[], float] = lambda: float("inf"),
) -> Summary:
    """Archive all whole UTC days older than `after_days`; with 0, everything up to now.

    What is left of purged projects' executions is removed first.

    `url` is the archiver's login. `progress` is told the number of rows after each part. Ends
    early, between parts, when less than `RESERVE_S` is left. Raises `Incomplete` when some
    organization's chain is broken, after all others', `Overtaken` while another run is at work,
    `ReadBackDiffers`, or what S3 and the database raise; what was finished stays finished.
    """
    with opened(url) as connection:
        if not fetch(connection, "archive_turn")[0]["mine"]:
            raise Overtaken("Another archive run is at work. Look again when it has ended.")
        [found] = fetch(connection, "archive_cutoff", days=after_days)
        run = _Run(connection, bucket, found["cutoff"], progress, time_left)
        run.remove_purged()
        run.archive_all()
    return run.summary


def pending(url: str, after_days: int) -> int:
    """How many executions a run would archive now."""
    with opened(url) as connection:
        [found] = fetch(connection, "archive_cutoff", days=after_days)
        days = fetch(connection, "archive_days", cutoff=found["cutoff"])
    return sum(day["rows"] for day in days)


def listed(url: str) -> list[dict[str, Any]]:
    """The manifest's objects, newest first."""
    with opened(url) as connection:
        return fetch(connection, "archive_list")


@dataclass
class _Run:
    """One run's surroundings, and what it has done so far."""

    connection: Connection
    bucket: Bucket
    cutoff: datetime
    progress: Progress
    time_left: Callable[[], float]
    summary: Summary = field(default_factory=Summary)

    def remove_purged(self) -> None:
        """Remove what is left of purged projects' executions, a few thousand at a time."""
        while self.time_left() > RESERVE_S:
            [removed] = fetch(self.connection, "archive_purged")
            if removed["rows"] == 0:
                return

    def archive_all(self) -> None:
        """Every organization's days, oldest first; one with a broken chain stops only itself."""
        stopped: dict[str, Exception] = {}
        for found in fetch(self.connection, "archive_days", cutoff=self.cutoff):
            if found["org"] in stopped:
                continue
            try:
                self._archive_day(found["org"], found["day"])
            except (BrokenChain, Overtaken) as error:
                stopped[found["org"]] = error
        if stopped:
            raise Incomplete(list(stopped.values()))

    def _archive_day(self, org: str, day: date) -> None:
        while self.time_left() > RESERVE_S:
            rows = self._archive_part(org, day)
            if rows == 0:
                return
            self.summary.objects += 1
            self.summary.rows += rows
            self.progress(rows)

    def _archive_part(self, org: str, day: date) -> int:
        """Archive what fits one object; the number of rows, 0 where the day has none left."""
        with SpooledTemporaryFile(max_size=_TEMPORARY_IN_MEMORY) as file:
            part = self._export(org, day, file)
            if part.rows == 0:
                return 0
            key = self._key(org, day, part)
            self.bucket.put_new(key, file, "application/gzip")
        version_id, held = self.bucket.read_back(key)
        if held != part.sha256:
            raise ReadBackDiffers(f"{key}: {ReadBackDiffers.__doc__}")
        stored_as = {"bucket": self.bucket.name, "key": key, "version_id": version_id}
        self._remove(org, day, part, stored_as)
        return part.rows

    def _export(self, org: str, day: date, file: SpooledTemporaryFile[bytes]) -> Part:
        heads = {
            row["project"]: (row["last_seq"], row["head_hash"])
            for row in fetch(self.connection, "archive_heads", org=org)
        }
        wanted = {"org": org, "day": day, "cutoff": self.cutoff}
        with self.connection.transaction(), self.connection.cursor(name="day") as cursor:
            cursor.itersize = FETCH_ROWS
            cursor.execute(sql("archive_rows"), wanted)
            return write_part(iter(cursor), heads, file)

    def _key(self, org: str, day: date, part: Part) -> str:
        [found] = fetch(self.connection, "archive_parts", org=org, day=day)
        name = f"part-{found['parts']:04}-{part.sha256[:16]}.jsonl.gz"
        return f"executions/org={org}/dt={day.isoformat()}/{name}"

    def _remove(self, org: str, day: date, part: Part, stored_as: Mapping[str, str]) -> None:
        """Remove exactly what was archived and write the manifest, or nothing: `Overtaken`."""
        archive = {"org": org, "archive": uuid7()}
        whole = {"sha256": part.sha256, "size": part.size, "rows": part.rows}
        with self.connection.transaction():
            for span in part.ranges:
                self._remove_range(span)
            self.connection.execute(
                sql("archive_object"), {**archive, **stored_as, **whole, "day": day}
            )
            for span in part.ranges:
                self.connection.execute(sql("archive_range"), {**archive, **vars(span)})

    def _remove_range(self, span: Range) -> None:
        [removed] = fetch(self.connection, "archive_remove", cutoff=self.cutoff, **vars(span))
        found = (removed["rows"], removed["advanced"], removed["head_hash"])
        if found != (span.last_seq - span.first_seq + 1, 1, span.head_hash):
            raise Overtaken(f"{span.project}: {Overtaken.__doc__}")
