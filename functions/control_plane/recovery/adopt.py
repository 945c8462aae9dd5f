"""Objects that were archived after the moment that the database was set back to.

What one holds is rows in the database again: where those are exactly the same, it goes into the
manifest and they go, as an archive run ends. Where they aren't, it is left alone.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from control_plane.archive.database import Connection, fetch
from control_plane.archive.export import Stored
from control_plane.archive.outcome import BrokenChain
from control_plane.archive.part import Heads, Range
from control_plane.archive.removal import remove
from control_plane.canonical import canonical
from control_plane.models import GENESIS_HASH
from control_plane.proof.anchors import Anchors
from control_plane.recovery.erased import Follow
from control_plane.restore.source import Buckets, Line, Member, checked


class Diverged(Exception):
    """The database has another execution than the archive or the anchors."""

    def __init__(self, project: str, seq: int) -> None:
        super().__init__(
            f"Project {project} has gone on since the database was set back: its seq {seq} is"
            " another execution than the archive or the anchors hold. Set the database back once"
            " more, to before it, and recover before anything is executed."
        )


@dataclass
class Adopted:
    """What one organization's archive held: objects and their executions that are archived again.

    `left` are the keys of objects that aren't, `ahead` seq and hash of each project's last
    execution in them that follows what the database has.
    """

    objects: int = 0
    rows: int = 0
    left: list[str] = field(default_factory=list)
    ahead: Heads = field(default_factory=dict)


def adopt(
    connection: Connection,
    source: Buckets,
    org: str,
    anchors: Anchors,
    follow: Follow,
    recorded: Collection[str] = (),
) -> Adopted:
    """Adopt every object that the manifest doesn't know; `connection` is the archiver's.

    What they have lost since is taken by `follow`. Raises `Broken` for one that can't be read, and
    `Diverged` where what isn't adopted contradicts what the database has, but for projects whose
    fork is `recorded` already.
    """
    known = {row["key"] for row in fetch(connection, "verify_manifest", org=org, project=None)}
    adopted = Adopted()
    for key in anchors.kept(set(source.objects(org)) - known):
        rows = _adopt_object(connection, source, (org, key), follow)
        adopted.objects += rows > 0
        adopted.rows += rows
        adopted.left += [] if rows else [key]
    _look_ahead(connection, source, adopted, (org, anchors, recorded))
    return adopted


def _look_ahead(
    connection: Connection,
    source: Buckets,
    adopted: Adopted,
    known: tuple[str, Anchors, Collection[str]],
) -> None:
    """Note what the objects that are left know of what comes after the database's executions."""
    org, anchors, recorded = known
    heads = fetch(connection, "verify_projects", org=org, project=None)
    reached = {row["project"]: row["hash"] for row in heads}
    for key in adopted.left:
        lines = [line for *_, held in checked(key, source.read(key)) for line in held]
        others = [line for line in lines if line["record"]["project"] not in recorded]
        _check_beside(connection, anchors, others)
        _follow(adopted, reached, lines)


def _check_beside(connection: Connection, anchors: Anchors, lines: list[Line]) -> None:
    """Raise `Diverged` where the database has another execution than an object, unrecorded."""
    for project, group in groupby(lines, key=lambda line: line["record"]["project"]):
        hashes = {line["record"]["seq"]: line["hash"] for line in group}
        found = fetch(connection, "recover_hashes", project=project, seqs=[*hashes])
        for seq, hash in sorted((row["seq"], row["hash"]) for row in found):
            forks = anchors.pins.forks
            if hash != hashes[seq] and not any(f.covers(project, seq, hashes[seq]) for f in forks):
                raise Diverged(project, seq)


def _adopt_object(
    connection: Connection, source: Buckets, named: tuple[str, str], follow: Follow
) -> int:
    """Archive an object's executions again; how many: none where the database has others."""
    org, key = named
    data, version_id = source.archive.read(key)
    read = checked(key, data)
    ranges = list(_ranges(connection, org, read))
    if len(ranges) < len(read):
        return 0
    for *_, lines in read:
        follow(lines)
    rows = sum(len(lines) for *_, lines in read)
    whole = {
        "bucket": source.archive.name,
        "key": key,
        "version_id": version_id,
        "day": key.split("/")[2].removeprefix("dt="),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "rows": rows,
    }
    remove(connection, org, whole, ranges)
    return rows


def _ranges(connection: Connection, org: str, read: list[Member]) -> Iterator[Range]:
    """The members' ranges, as far as the database has exactly their executions as its next."""
    found = fetch(connection, "archive_heads", org=org)
    heads = {row["project"]: (row["last_seq"], row["head_hash"]) for row in found}
    for offset, length, lines in read:
        project = lines[0]["record"]["project"]
        head = heads.get(project, (0, GENESIS_HASH))
        span = Range(project, *head, offset=offset, length=length)
        try:
            for line in lines:
                span.add(_stored(line))
        except BrokenChain:
            return
        if not _are_rows(connection, span, lines):
            return
        yield span


def _stored(line: Line) -> Stored:
    """An archived line as the row that it was."""
    record, payload, salt = line["record"], line["payload"], line["salt"]
    return Stored(
        project=record["project"].encode(),
        seq=record["seq"],
        version=record.get("version", 0),
        stamp=f"{record['at']}{line['hash']}".encode(),
        salt=None if salt is None else salt.encode(),
        payload=None if payload is None else canonical(payload).encode(),
        record=canonical(record).encode(),
    )


def _are_rows(connection: Connection, span: Range, lines: list[Line]) -> bool:
    """Whether the database has these executions; what was erased since is erased."""
    where = {"first_seq": span.first_seq, "last_seq": span.last_seq, "project": span.project}
    rows = fetch(connection, "recover_rows", **where)
    return len(rows) == len(lines) and all(map(_is_row, lines, rows))


def _is_row(line: Line, row: dict[str, Any]) -> bool:
    if (line["hash"], canonical(line["record"])) != (row["hash"], row["record"]):
        return False
    if line["payload"] is None:
        return True
    return (canonical(line["payload"]), line["salt"]) == (row["payload"], row["salt"])


def _follow(adopted: Adopted, reached: dict[str, str], lines: list[Line]) -> None:
    """Note how far an object goes on after what the database has."""
    for line in lines:
        record = line["record"]
        if record["prev_hash"] == reached.get(record["project"], GENESIS_HASH):
            reached[record["project"]] = line["hash"]
            adopted.ahead[record["project"]] = (record["seq"], line["hash"])
