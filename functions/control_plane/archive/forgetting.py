"""The last step of an erasure: no version of any object is left that holds what it took.

What is looked at are the objects that the manifest doesn't name: those that were written anew, and
what killed runs left; and the kept states of versions that a later erasure took.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from control_plane.archive.bucket import Bucket, Version
from control_plane.archive.checkpoints import KEY
from control_plane.archive.database import Connection, fetch, opened
from control_plane.archive.outcome import Incomplete, Unreadable
from control_plane.proof.finding import Broken
from control_plane.proof.gunzip import lines
from control_plane.proof.line import read_line
from control_plane.registry.builtin import is_erasable
from control_plane.store.connection import sql


def forget(url: str, bucket: Bucket, without: Collection[str] = ()) -> None:
    """Delete every copy that is left of what erasures took, once objects have been written anew.

    Call it after the anchors were put, so that these never list what isn't there, `without` the
    organizations whose weren't. `url` is the archiver's login. Does nothing while a run is at work,
    which does it itself. Raises `Incomplete` for objects that can't be read and so may hold
    anything, after all other organizations'.
    """
    with opened(url) as connection:
        waiting = fetch(connection, "erasures_due", rewritten=True)
        due = [erasure for erasure in waiting if erasure["org"] not in without]
        if not due or not fetch(connection, "archive_turn")[0]["mine"]:
            return
        unreadable: list[Exception] = []
        for org in sorted({erasure["org"] for erasure in due}):
            try:
                _Forgetting(org, bucket, fetch(connection, "erasures_of", org=org)).run(connection)
            except Incomplete as found:
                unreadable += found.reasons
                continue
            for erasure in due:
                if erasure["org"] == org:
                    connection.execute(sql("erasure_done"), erasure)
    if unreadable:
        raise Incomplete(unreadable)


@dataclass
class _Forgetting:
    """What one organization's erasures took, and where copies may be left."""

    org: str
    bucket: Bucket
    erasures: list[dict[str, Any]]

    def run(self, connection: Connection) -> None:
        """Delete what holds something of it; raises `Incomplete` where that can't be told."""
        named = {row["key"] for row in fetch(connection, "anchor_objects", org=self.org)}
        unreadable: list[Exception] = []
        there = self.bucket.versions(f"executions/org={self.org}/")
        for version in there:
            try:
                if version.key not in named and self._holds(version):
                    self._delete(version.key, there)
            except Broken as broken:
                unreadable.append(Unreadable(f"{version.key}: {broken.finding.problem}"))
        kept = self.bucket.versions(f"checkpoints/org={self.org}/")
        for key in {version.key for version in kept if self._is_gone(version.key)}:
            self._delete(key, kept)
        if unreadable:
            raise Incomplete(unreadable)

    def _delete(self, key: str, there: list[Version]) -> None:
        """Every version of an object, and what hides them."""
        for version in there:
            if version.key == key:
                self.bucket.delete(key, version.id)

    def _holds(self, version: Version) -> bool:
        """Whether a version of an object still has a payload that was erased."""
        return not version.is_marker and any(map(self._was_erased, self._payloads(version)))

    def _payloads(self, version: Version) -> Iterator[dict[str, Any]]:
        """The records of its executions that have payloads; raises `Broken` for anything else."""
        for text in lines(self.bucket.chunks(version.key, version.id)):
            read_line(text)
            line = orjson.loads(text)
            if line["payload"] is not None:
                yield line["record"]

    def _was_erased(self, record: dict[str, Any]) -> bool:
        return is_erasable(record["action"]) and any(
            erasure["project"] == record["project"]
            and erasure["first_seq"] <= record["seq"] <= erasure["last_seq"]
            for erasure in self.erasures
        )

    def _is_gone(self, key: str) -> bool:
        """Whether a kept state is of a version that was erased later."""
        found = KEY.fullmatch(key)
        return found is not None and any(
            erasure["project"] == found[2]
            and erasure["first_version"] is not None
            and erasure["first_version"] <= int(found[3]) < erasure["last_version"]
            for erasure in self.erasures
        )
