"""One archive object in the making: JSONL, sorted by project and seq, a gzip member a project.

Members are written with mtime 0, so that the same rows make the same bytes, and each can be read
alone by its offset and length.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from isal import igzip

from control_plane.archive.export import Stored
from control_plane.archive.outcome import BrokenChain
from control_plane.audit import line_of
from control_plane.models import GENESIS_HASH

MAX_PART_BYTES = 16 * 1024 * 1024
"""Uncompressed bytes after which a part ends. It is what reading one execution back may take, some
4 MB from S3 and 14,000 lines; and what putting a part takes beside its bytes, half a second on AWS,
stays small next to them: half the size is half as much for readers, and twice the objects."""
LEVEL = 2  # of isal's 0 to 3

type Heads = dict[str, tuple[int, str]]
"""Seq and hash of each project's last archived execution, where there is one."""


@dataclass
class Range:
    """One project's consecutive executions in a part, and where their gzip member lies.

    It starts out as the project's archived head, which the first row must be linked to.
    """

    project: str
    last_seq: int = 0
    head_hash: str = GENESIS_HASH
    first_seq: int = 0
    first_at: str = ""
    last_at: str = ""
    first_version: int | None = None
    last_version: int | None = None
    offset: int = 0
    length: int = 0

    def add(self, row: Stored) -> None:
        """Extend the range by its next row; raises `BrokenChain` unless it is linked to it."""
        record, hash = _record(row), hashlib.sha256(row.record).hexdigest()
        linked = row.seq == self.last_seq + 1 and record.get("prev_hash") == self.head_hash
        if not linked or not _is_whole(row, record, hash, self.project):
            raise BrokenChain(f"project {self.project}, seq {row.seq}: {BrokenChain.__doc__}")
        self.last_seq, self.last_at, self.head_hash = row.seq, record["at"], hash
        if not self.first_seq:
            self.first_seq, self.first_at = row.seq, self.last_at
        if row.version:
            self.first_version = self.first_version or row.version
            self.last_version = row.version


def _record(row: Stored) -> dict[str, Any]:
    """A row's record; empty for a text that is none, or not in its canonical form."""
    try:
        record = orjson.loads(row.record)
    except orjson.JSONDecodeError:
        return {}
    again = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    return record if isinstance(record, dict) and again == row.record else {}


def _is_whole(row: Stored, record: dict[str, Any], hash: str, project: str) -> bool:
    """Whether a row is what its record says; an erased payload is not looked at.

    A payload is bound by its hash: whether its text is canonical isn't looked at once more.
    """
    said = record.get
    if said("seq") != row.seq or said("version", 0) != row.version or said("project") != project:
        return False
    if row.stamp.decode() != f"{said('at')}{hash}":
        return False
    if row.payload is None or row.salt is None:
        return row.payload is row.salt
    return _payload_hash(row.salt, row.payload) == record.get("payload_hash")


def _payload_hash(salt: bytes, payload: bytes) -> str:
    try:
        return hashlib.sha256(bytes.fromhex(salt.decode()) + payload).hexdigest()
    except ValueError:
        return ""


@dataclass
class Part:
    """What goes into one object: its ranges, each one's lines, and once sealed its bytes."""

    ranges: list[Range] = field(default_factory=list)
    lines: list[list[bytes]] = field(default_factory=list)
    written: int = 0
    body: bytes = b""
    sha256: str = ""

    @property
    def rows(self) -> int:
        """How many executions it holds."""
        return sum(span.last_seq - span.first_seq + 1 for span in self.ranges)

    def begin(self, project: str, heads: Heads) -> Range:
        """Begin a project's member, after its last archived execution."""
        span = Range(project, *heads.get(project, (0, GENESIS_HASH)))
        self.ranges.append(span)
        self.lines.append([])
        return span

    def write(self, line: bytes) -> None:
        """One more line of the member that was begun."""
        self.lines[-1].append(line)
        self.written += len(line) + 1

    def end(self, heads: Heads) -> None:
        """Nothing more follows the last row here: it is its project's head now."""
        for span in self.ranges[-1:]:
            heads[span.project] = (span.last_seq, span.head_hash)

    def seal(self) -> None:
        """Compress the members, and say of each range where its own lies."""
        members = [
            igzip.compress(b"\n".join([*lines, b""]), LEVEL, mtime=0) for lines in self.lines
        ]
        offset = 0
        for span, member in zip(self.ranges, members, strict=True):
            span.offset, span.length = offset, len(member)
            offset += len(member)
        self.body, self.lines = b"".join(members), []
        self.sha256 = hashlib.sha256(self.body).hexdigest()


def parts(rows: Iterable[Stored], heads: Heads) -> Iterator[Part]:
    """Rows, which come by project and seq, as parts to be sealed; `heads` goes on with them.

    Raises `BrokenChain` at a row that is not the chain's next.
    """
    part, span, project = Part(), Range(""), b""
    for row in rows:
        full = part.written >= MAX_PART_BYTES
        if full or row.project != project:
            part.end(heads)
            if full:
                yield part
                part = Part()
            span, project = part.begin(str(UUID(bytes=row.project)), heads), row.project
        span.add(row)
        part.write(line_of(row.hash, row.payload, row.record, row.salt))
    part.end(heads)
    if part.ranges:
        yield part


def read_member(compressed: bytes) -> list[bytes]:
    """The lines of one member."""
    lines: bytes = igzip.decompress(compressed)
    return lines.removesuffix(b"\n").split(b"\n")
