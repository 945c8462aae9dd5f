"""The archive run: whole old UTC days to S3, read back, then removed, each part a transaction.

It can be killed at any step and run again, also twice at once: an object is never overwritten, and
rows are removed only in the transaction that writes the manifest, only as exactly the ranges that
were read back from S3.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import Any

import psycopg
from psycopg.rows import dict_row

from control_plane.archive.bucket import Bucket
from control_plane.archive.part import Part, Range, write_part
from control_plane.ids import uuid7
from control_plane.store.connection import sql
from control_plane.store.login import connect

FETCH_ROWS = 64
"""Rows held in memory at a time: each may be several hundred KiB."""
RESERVE_S = 120.0
"""Time that one part may take; none is begun with less."""
_TEMPORARY_IN_MEMORY = 8 * 1024 * 1024

type Connection = psycopg.Connection[dict[str, Any]]
type Progress = Callable[[int], None]


class ReadBackDiffers(Exception):
    """S3 holds other bytes than were sent. Nothing was removed; look at the bucket, run again."""


class Overtaken(Exception):
    """Another run archived the same executions first. Nothing was removed here."""


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

    `url` is the archiver's login. `progress` is told the number of rows after each part. Ends
    early, between parts, when less than `RESERVE_S` is left. Raises `BrokenChain`,
    `ReadBackDiffers`, or what S3 and the database raise; what was finished stays finished.
    """
    summary = Summary()
    with connect(url, autocommit=True, row_factory=dict_row) as connection:
        [found] = _fetch(connection, "archive_cutoff", days=after_days)
        for org, day in _days(connection, found["cutoff"]):
            for rows in _archive_day(connection, bucket, org, day, found["cutoff"], time_left):
                summary.objects += 1
                summary.rows += rows
                progress(rows)
    return summary


def pending(url: str, after_days: int) -> int:
    """How many executions a run would archive now."""
    with connect(url, autocommit=True, row_factory=dict_row) as connection:
        [found] = _fetch(connection, "archive_cutoff", days=after_days)
        days = _fetch(connection, "archive_days", cutoff=found["cutoff"])
    return sum(day["rows"] for day in days)


def listed(url: str) -> list[dict[str, Any]]:
    """The manifest's objects, newest first."""
    with connect(url, autocommit=True, row_factory=dict_row) as connection:
        return _fetch(connection, "archive_list")


def _days(connection: Connection, cutoff: datetime) -> Iterator[tuple[str, date]]:
    for row in _fetch(connection, "archive_days", cutoff=cutoff):
        yield row["org"], row["day"]


def _archive_day(
    connection: Connection,
    bucket: Bucket,
    org: str,
    day: date,
    cutoff: datetime,
    time_left: Callable[[], float],
) -> Iterator[int]:
    """Archive a day part by part; yields the rows of each part that this run finished."""
    seen = ""
    while time_left() > RESERVE_S:
        with SpooledTemporaryFile(max_size=_TEMPORARY_IN_MEMORY) as file:
            part = _export(connection, org, day, cutoff, file)
            if part.rows == 0:
                return
            key = _key(connection, org, day, part)
            bucket.put_new(key, file)
        version_id, held = bucket.read_back(key)
        if held != part.sha256:
            raise ReadBackDiffers(f"{key}: {ReadBackDiffers.__doc__}")
        stored_as = {"bucket": bucket.name, "key": key, "version_id": version_id}
        try:
            _remove(connection, org, day, cutoff, part, stored_as)
        except Overtaken:
            if part.sha256 == seen:
                raise
            seen = part.sha256
        else:
            yield part.rows


def _export(
    connection: Connection, org: str, day: date, cutoff: datetime, file: SpooledTemporaryFile[bytes]
) -> Part:
    with connection.transaction(), connection.cursor(name="day") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(sql("archive_rows"), {"org": org, "day": day, "cutoff": cutoff})
        return write_part(iter(cursor), file)


def _key(connection: Connection, org: str, day: date, part: Part) -> str:
    [found] = _fetch(connection, "archive_parts", org=org, day=day)
    name = f"part-{found['parts']:04}-{part.sha256[:16]}.jsonl.gz"
    return f"executions/org={org}/dt={day.isoformat()}/{name}"


def _remove(
    connection: Connection,
    org: str,
    day: date,
    cutoff: datetime,
    part: Part,
    stored_as: Mapping[str, str],
) -> None:
    """Remove exactly what was archived and write the manifest, or nothing: `Overtaken`."""
    archive = {"org": org, "archive": uuid7()}
    whole = {"sha256": part.sha256, "size": part.size, "rows": part.rows}
    with connection.transaction():
        for span in part.ranges:
            _remove_range(connection, cutoff, span)
        connection.execute(sql("archive_object"), {**archive, **stored_as, **whole, "day": day})
        for span in part.ranges:
            connection.execute(sql("archive_range"), {**archive, **vars(span)})


def _remove_range(connection: Connection, cutoff: datetime, span: Range) -> None:
    [removed] = _fetch(connection, "archive_remove", cutoff=cutoff, **vars(span))
    expected = span.last_seq - span.first_seq + 1
    if (removed["rows"], removed["advanced"], removed["head_hash"]) != (
        expected,
        1,
        span.head_hash,
    ):
        raise Overtaken(f"{span.project}: {Overtaken.__doc__}")


def _fetch(connection: Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    return connection.execute(sql(query), parameters).fetchall()
