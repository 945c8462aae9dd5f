"""Stored executions as a stream of exact bytes: COPY in its binary form, which escapes nothing."""

import struct
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg

from control_plane.archive.database import Connection
from control_plane.store.connection import sql

_HEADER_BYTES = 19  # the signature, flags and an empty extension, before the first row
# A count of columns, then each one's length and bytes; all but texts have a fixed length.
_FIXED = struct.Struct("!hi16siqiqi")
_HASH_BYTES = 64
_LENGTH = struct.Struct("!i")


class Stored(NamedTuple):
    """A stored execution, its texts in UTF-8. `version` is 0 where it has none.

    `stamp` is its moment, as records write it, and its hash, side by side.
    """

    project: bytes
    seq: int
    version: int
    stamp: bytes
    salt: bytes | None
    payload: bytes | None
    record: bytes

    @property
    def hash(self) -> bytes:
        """The hash alone."""
        return self.stamp[-_HASH_BYTES:]


@contextmanager
def exported(connection: Connection, org: str, until: object) -> Iterator[Iterator[Stored]]:
    """An organization's executions before a moment, by project and seq, as they are read."""
    connection.execute("SET enable_sort = off")  # by the key, also while there are no statistics
    cursor = psycopg.ClientCursor(connection)
    query = cursor.mogrify(sql("archive_rows"), {"org": org, "until": until})
    with closing(_rows(cursor, f"COPY ({query}) TO STDOUT (FORMAT BINARY)".encode())) as rows:
        yield rows


def _rows(cursor: psycopg.Cursor[Any], statement: bytes) -> Generator[Stored]:
    start = _HEADER_BYTES
    with cursor.copy(statement) as copy:
        for data in copy:
            if len(data) - start > _FIXED.size:  # the last message is an end mark
                yield _row(bytes(data), start)
            start = 0


def _row(data: bytes, start: int) -> Stored:
    _, _, project, _, seq, _, version, length = _FIXED.unpack_from(data, start)
    begin = start + _FIXED.size
    texts: list[bytes | None] = []
    for _ in range(3):
        texts.append(data[begin : begin + length] if length >= 0 else None)
        begin += max(0, length)
        (length,) = _LENGTH.unpack_from(data, begin)
        begin += _LENGTH.size
    stamp, salt, payload = texts
    return Stored(project, seq, version, stamp or b"", salt, payload, data[begin:])
