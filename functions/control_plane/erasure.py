"""What an erasure would take: a range of executions as it is found before it is decided about."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from control_plane import history
from control_plane.archive.reader import Archive
from control_plane.canonical import stored
from control_plane.engine.erasing import Bringing
from control_plane.errors import StateErased
from control_plane.models import Erasable, Json, Past
from control_plane.registry.builtin import MOST_ERASED, is_erasable
from control_plane.store import Row, Store
from control_plane.target import Target

_AT_ONCE = 50


def erasable(store: Store, archived: Archive, target: Target, first: int, last: int) -> Erasable:
    """The executions from one seq to another, live or archived, with what speaks against it."""
    if not 0 <= last - first < MOST_ERASED:
        return Erasable()
    found = _found(store, archived, target, first, last)
    # An archive run may have moved executions after the archive was looked at: it is, once more.
    return found if found.whole else _found(store, archived, target, first, last)


def _found(store: Store, archived: Archive, target: Target, first: int, last: int) -> Erasable:
    found = _Found(store, archived, target)
    for row in chain(found.archived(first, last), found.live(first, last)):
        found.take(row)
    return found.as_range(first, last)


class _Found:
    """The rows of a range, taken one after the other."""

    def __init__(self, store: Store, archived: Archive, target: Target) -> None:
        self._where = (store, archived, target)
        self._store, self._archive, self._target = store, archived, target
        self._records: list[dict[str, Any]] = []
        self._rows = 0
        self._bringing: Bringing | None = None

    def live(self, first: int, last: int) -> Iterator[Row]:
        """Those in the database, oldest first, some at a time."""
        for start in range(first, last + 1, _AT_ONCE):
            until = min(last, start + _AT_ONCE - 1)
            span = {"project": self._target.project, "first": start, "last": until}
            yield from self._store.read(self._target.org, "erasable", **span)

    def archived(self, first: int, last: int) -> Iterator[Row]:
        """Those in the archive, oldest first."""
        newest_first = []
        for row in self._archive.below(self._target.org, self._target.project, last + 1):
            if row["seq"] < first:
                break
            newest_first.append(row)
        return reversed(newest_first)

    def take(self, row: Row) -> None:
        """The next execution of the range; one that was archived meanwhile comes once."""
        record, payload = stored(row["record"]), row["payload"]
        if self._records and record["seq"] <= self._records[-1]["seq"]:
            return
        self._records.append(record)
        if self._bringing is None and "version" in record:
            self._bringing = Bringing(self._before(record["version"]))
        if payload is not None and is_erasable(record["action"]):
            self._rows += 1
            if self._bringing:
                self._bringing.take(stored(payload).get("diff", []))

    def _before(self, version: int) -> dict[str, Json]:
        """The state that the range began with; empty where that was erased."""
        try:
            past = history.past_at(*self._where, version - 1)
        except StateErased:
            past = None
        return dict(past.components) if past else {}

    def as_range(self, first: int, last: int) -> Erasable:
        """What was found, if it is all of these executions."""
        if len(self._records) != last - first + 1:
            return Erasable()
        made = [record["version"] for record in self._records if "version" in record]
        after, at = self._after(made[-1]) if made else (None, None)
        return Erasable(
            whole=True,
            rows=self._rows,
            waiting=self._waiting(first, last),
            versions=(made[0], made[-1]) if made else None,
            moments=(self._records[0]["at"], self._records[-1]["at"]),
            about=[r["about"] for r in self._records if r["trigger"] == "approval"],
            brought=self._bringing.brought() if self._bringing else Erasable().brought,
            after=after,
            after_at=at,
        )

    def _waiting(self, first: int, last: int) -> int | None:
        span = {"project": self._target.project, "first": first, "last": last}
        [found] = self._store.read(self._target.org, "waiting_in", **span)
        return found["seq"]

    def _after(self, version: int) -> tuple[Past | None, str | None]:
        try:
            return history.moment_of(*self._where, version)
        except StateErased:
            return None, None
