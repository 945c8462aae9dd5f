"""The transaction that ends archiving: rows are removed and the manifest written, or neither."""

from collections.abc import Iterable, Mapping
from typing import Any

from control_plane.archive.database import Connection, fetch
from control_plane.archive.outcome import Overtaken
from control_plane.archive.part import Range
from control_plane.ids import uuid7
from control_plane.store.connection import sql


def remove(
    connection: Connection,
    org: str,
    stored_as: Mapping[str, Any],
    ranges: Iterable[Range],
    cutoff: object = "infinity",
) -> None:
    """Remove exactly an object's ranges, of before the cutoff, and write it into the manifest.

    `stored_as` has bucket, key, version_id, day, sha256, size, rows. Raises `Overtaken`, with
    nothing done, where a range is not there as it was archived.
    """
    archive = {"org": org, "archive": uuid7()}
    spans = list(ranges)
    with connection.transaction():
        for span in spans:
            _remove_range(connection, span, cutoff)
        connection.execute(sql("archive_object"), {**archive, **stored_as})
        for span in spans:
            connection.execute(sql("archive_range"), {**archive, **vars(span)})


def _remove_range(connection: Connection, span: Range, cutoff: object) -> None:
    [removed] = fetch(connection, "archive_remove", cutoff=cutoff, **vars(span))
    found = (removed["rows"], removed["advanced"], removed["head_hash"])
    if found != (span.last_seq - span.first_seq + 1, 1, span.head_hash):
        raise Overtaken(f"{span.project}: {Overtaken.__doc__}")
