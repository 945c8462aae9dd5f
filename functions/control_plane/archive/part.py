"""One archive object in the making: JSONL, sorted by project and seq, a gzip member a project.

Members are written with mtime 0, so that the same rows make the same bytes, and each can be read
alone by its offset and length.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from tempfile import SpooledTemporaryFile
from typing import Any

from isal import igzip

from control_plane.archive.outcome import BrokenChain
from control_plane.audit import as_line, hash_payload
from control_plane.canonical import sha256, stored
from control_plane.models import GENESIS_HASH

MAX_PART_BYTES = 16 * 1024 * 1024
"""Uncompressed bytes after which a part ends: also what reading a member back may take."""


@dataclass
class Range:
    """One project's consecutive executions in a part, and where their gzip member lies.

    It starts out as the project's archived head, which the first row must be linked to.
    """

    project: str
    last_seq: int = 0
    head_hash: str = GENESIS_HASH
    first_seq: int = 0
    first_at: Any = None
    last_at: Any = None
    first_version: int | None = None
    last_version: int | None = None
    offset: int = 0
    length: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Extend the range by its next row; raises `BrokenChain` unless it is linked to it."""
        record = stored(row["record"])
        linked = row["seq"] == self.last_seq + 1 and record["prev_hash"] == self.head_hash
        if not linked or not _is_whole(row, record):
            raise BrokenChain(f"project {self.project}, seq {row['seq']}: {BrokenChain.__doc__}")
        if self.first_at is None:
            self.first_seq, self.first_at = row["seq"], row["at"]
        self.last_seq, self.last_at, self.head_hash = row["seq"], row["at"], row["hash"]
        if row["version"] is not None:
            self.first_version = self.first_version or row["version"]
            self.last_version = row["version"]


def _is_whole(row: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a row's texts are what its hashes are of; an erased payload is not looked at."""
    if sha256(row["record"]) != row["hash"] or record["seq"] != row["seq"]:
        return False
    payload = row["payload"]
    return payload is None or hash_payload(row["salt"], payload) == record["payload_hash"]


@dataclass
class Part:
    """What was written: its ranges, its rows, and the hash of its compressed bytes."""

    ranges: list[Range] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    sha256: str = ""


def write_part(
    rows: Iterator[Mapping[str, Any]],
    heads: Mapping[str, tuple[int, str]],
    file: SpooledTemporaryFile[bytes],
) -> Part:
    """Write rows, which come sorted by project and seq, until they end or the part is full.

    `heads` has seq and hash of each project's last archived execution, if there is one.
    """
    part, written = Part(), 0
    for project, group in groupby(rows, key=itemgetter("project")):
        if written >= MAX_PART_BYTES:
            break
        span = Range(project, *heads.get(project, (0, GENESIS_HASH)), offset=file.tell())
        with igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=2, mtime=0) as member:
            written += _write_member(group, member, span, MAX_PART_BYTES - written)
        span.length = file.tell() - span.offset
        part.ranges.append(span)
        part.rows += span.last_seq - span.first_seq + 1
    part.size = file.tell()
    part.sha256 = _digest(file)
    return part


def _write_member(
    rows: Iterator[Mapping[str, Any]], member: igzip.IGzipFile, span: Range, most: int
) -> int:
    """Write one project's rows until `most` bytes are reached; answers the bytes written."""
    written = 0
    for row in rows:
        span.add(row)
        line = as_line(row).encode() + b"\n"
        member.write(line)
        written += len(line)
        if written >= most:
            break
    return written


def _digest(file: SpooledTemporaryFile[bytes]) -> str:
    """The SHA-256 of a file's bytes; leaves it at its start."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def read_member(compressed: bytes) -> list[bytes]:
    """The lines of one member."""
    lines: bytes = igzip.decompress(compressed)
    return lines.removesuffix(b"\n").split(b"\n")
