"""Reads archived executions back: ranged reads by the manifest's offsets, newest first."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from isal.igzip_lib import IsalError

from control_plane.archive.bucket import Bucket
from control_plane.archive.erased import without_payload
from control_plane.archive.part import read_member
from control_plane.canonical import canonical, stored
from control_plane.errors import Unavailable
from control_plane.store import Row, Store

type Record = Mapping[str, Any]


class Archive:
    """Archived executions of any project, found by the manifest in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def spans(
        self,
        org: str,
        project: str,
        before: int,
        limit: int,
        since: str | None = None,
        until: str | None = None,
    ) -> list[Row]:
        """At most `limit` ranges with seqs under `before` and of a time, newest first."""
        wanted = {"before": before, "limit": limit, "since": since, "until": until}
        return self._store.read(org, "archived_ranges", project=project, **wanted)

    def following(
        self, org: str, project: str, after: int, time: Mapping[str, str | None]
    ) -> list[Row]:
        """The first range with seqs over `after`, of `since` and `until`, if there is one."""
        wanted = {"after": after, "limit": 1, **time}
        return self._store.read(org, "archived_following", project=project, **wanted)

    def rows_after(self, span: Row, after: int) -> Iterator[Row]:
        """A range's rows with seq over `after`, oldest first, as `rows` has them."""
        for line in _lines(span)[max(0, after + 1 - span["first_seq"]) :]:
            row = row_of(line)
            if row["seq"] <= span["last_seq"]:
                yield without_payload(row, span["erased"])

    def rows(
        self, span: Row, before: int, wanted: Callable[[Record], bool] = lambda _: True
    ) -> Iterator[Row]:
        """A range's rows with seq under `before` whose records are wanted, newest first.

        Each has seq, hash, record, payload and salt, texts as they were hashed; what was erased
        is read as erased before its object is rewritten. Raises `Unavailable` when S3 doesn't
        answer.
        """
        for line in reversed(_lines(span)):
            members = stored(line.decode())  # its texts are made only where it is wanted
            record = members["record"]
            if record["seq"] < min(before, span["last_seq"] + 1) and wanted(record):
                yield without_payload(row_from(members), span["erased"])

    def below(self, org: str, project: str, before: int) -> Iterator[Row]:
        """A project's archived rows with seq under `before`, newest first, read as needed."""
        while spans := self.spans(org, project, before, limit=8):
            for span in spans:
                yield from self.rows(span, before)
            before = spans[-1]["first_seq"]


@cache
def _bucket(name: str) -> Bucket:
    return Bucket(name)


def _lines(span: Row) -> list[bytes]:
    bucket = _bucket(span["bucket"])
    compressed = bucket.read_range(
        span["key"], span["version_id"], span["byte_offset"], span["byte_length"]
    )
    with suppress(EOFError, OSError, IsalError):  # type: ignore[arg-type]
        if len(compressed) == span["byte_length"]:
            return read_member(compressed)
    raise Unavailable(
        "The archive answered something damaged. Send the request again; if it stays so, let"
        " somebody run `chat-agent audit verify`."
    )


def row_of(line: bytes) -> dict[str, Any]:
    """A line as the database's row was; canonical JSON makes the texts the same again."""
    return row_from(stored(line.decode()))


def row_from(members: Mapping[str, Any]) -> dict[str, Any]:
    """A parsed line as the database's row was."""
    payload = members["payload"]
    return {
        "seq": members["record"]["seq"],
        "hash": members["hash"],
        "record": canonical(members["record"]),
        "payload": None if payload is None else canonical(payload),
        "salt": members["salt"],
    }
