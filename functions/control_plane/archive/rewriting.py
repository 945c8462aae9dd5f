"""What erasures took from the database, taken from the archive: objects are written anew.

The manifest is switched to a new object once that has been read back; what the old one was is
deleted, every version, after an anchor lists the new one. Killed anywhere, it can be run again: an
erasure stays due until nothing holds what it took.
"""

import hashlib
import re
from collections.abc import Callable, Collection
from typing import Any

from isal import igzip

from control_plane.archive.bucket import Bucket
from control_plane.archive.checkpoints import keep
from control_plane.archive.database import Connection, fetch
from control_plane.archive.erased import without_payload
from control_plane.archive.outcome import ReadBackDiffers
from control_plane.archive.part import LEVEL, read_member
from control_plane.archive.reader import row_of
from control_plane.audit import as_line
from control_plane.store.connection import sql

_CONTENT = re.compile(r"-[0-9a-f]{16}(\.jsonl\.gz)$")


def rewrite(
    connection: Connection,
    bucket: Bucket,
    goes_on: Callable[[], bool],
    without: Collection[str] = (),
) -> dict[str, Exception]:
    """Take from the manifest's objects what erasures took; ends between objects when time is up.

    Erasures of organizations in `without` wait, and where S3 holds other bytes than it should;
    answers why, by organization. Raises what S3 and the database raise; what was finished stays
    finished.
    """
    stopped: dict[str, Exception] = {}
    for due in fetch(connection, "erasures_due", rewritten=False):
        try:
            waits = due["org"] in without or due["org"] in stopped
            if not waits and not _follow(connection, bucket, due, goes_on):
                break
        except ReadBackDiffers as error:
            stopped[due["org"]] = error
    return stopped


def _follow(
    connection: Connection, bucket: Bucket, due: dict[str, Any], goes_on: Callable[[], bool]
) -> bool:
    """Follow one erasure; whether there was time for all of it."""
    keep(connection, bucket, due)
    span = {"first": due["first_seq"], "last": due["last_seq"]}
    for found in fetch(connection, "erasure_objects", project=due["project"], **span):
        if not goes_on():
            return False
        _rewrite_object(connection, found)
    connection.execute(sql("erasure_rewritten"), due)
    return True


def _rewrite_object(connection: Connection, found: dict[str, Any]) -> None:
    bucket, archive = Bucket(found["bucket"]), found["archive"]
    members = fetch(connection, "erasure_members", archive=archive)
    before = b"".join(bucket.chunks(found["key"], found["version_id"]))
    if hashlib.sha256(before).hexdigest() != found["sha256"]:
        raise ReadBackDiffers(f"{found['key']}: {ReadBackDiffers.__doc__}")
    after, placed = _without_payloads(before, members)
    if after == before:
        return
    sha256 = hashlib.sha256(after).hexdigest()
    key = _CONTENT.sub(rf"-{sha256[:16]}\1", found["key"])
    version_id = bucket.keep(key, after, "application/gzip")
    named = {"archive": archive, "key": key, "version_id": version_id}
    with connection.transaction():
        connection.execute(sql("erasure_switch"), {**named, "sha256": sha256, "size": len(after)})
        for place in placed:
            connection.execute(sql("erasure_member"), place)


def _without_payloads(
    body: bytes, members: list[dict[str, Any]]
) -> tuple[bytes, list[dict[str, Any]]]:
    """An object's bytes without what was erased, and where its members lie then."""
    after, placed = b"", []
    for member in members:
        old = body[member["byte_offset"] : member["byte_offset"] + member["byte_length"]]
        new = _member(old, member["erased"]) if member["erased"] else old
        placed.append({**member, "offset": len(after), "length": len(new)})
        after += new
    return after, placed


def _member(compressed: bytes, spans: list[list[int]]) -> bytes:
    """A project's member anew; the same bytes where nothing is left to erase."""
    lines = read_member(compressed)
    erased = [as_line(without_payload(row_of(line), spans)).encode() for line in lines]
    if erased == lines:
        return compressed
    anew: bytes = igzip.compress(b"\n".join([*erased, b""]), LEVEL, mtime=0)
    return anew
