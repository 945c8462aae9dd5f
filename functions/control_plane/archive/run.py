"""The archive run: whole old UTC days to S3, read back, then removed, each part a transaction.

It can be killed at any step and run again, also twice at once: an object is never overwritten, and
rows are removed only in the transaction that writes the manifest, only as exactly the ranges that
were read back from S3.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, opened, turn
from control_plane.archive.export import exported
from control_plane.archive.outcome import BrokenChain, Incomplete, Overtaken, ReadBackDiffers
from control_plane.archive.part import Heads, Part, parts
from control_plane.archive.removal import remove
from control_plane.archive.rewriting import rewrite
from control_plane.archive.unnamed import folder, unnamed

RESERVE_S = 120.0
"""Time that one part may take, and the anchors after it; no part is put with less."""

type Progress = Callable[[int], None]


@dataclass
class Summary:
    """What a run did."""

    objects: int = 0
    rows: int = 0
    unnamed: list[str] = field(default_factory=list)
    """Objects of the days it archived that no manifest names: `chat-agent archive clean`."""


def _silent(_rows: int) -> None:
    """Progress that nobody follows."""


def archive(
    url: str,
    bucket: Bucket,
    after_days: int,
    *,
    without: Collection[str] = (),
    progress: Progress = _silent,
    time_left: Callable[[], float] = lambda: float("inf"),
) -> Summary:
    """Archive all whole UTC days older than `after_days`; with 0, everything up to now.

    What is left of purged projects' executions is removed first, and objects that hold what was
    erased are written anew; `forgetting.forget` deletes the old ones once that is anchored.

    `url` is the archiver's login. Organizations in `without` are left as they are. `progress` is
    told the number of rows after each part. Ends early, between parts, when less than `RESERVE_S`
    is left. Raises `Incomplete` when some organization's chain is broken or an erasure can't be
    followed, after all else, `Overtaken` while another run is at work, `ReadBackDiffers`, or what
    S3 and the database raise; what was finished stays finished.
    """
    with turn(url) as connection, opened(url) as exporter:
        [found] = fetch(connection, "archive_cutoff", days=after_days)
        run = _Run(connection, exporter, bucket, found["cutoff"], without, progress, time_left)
        run.remove_purged()
        run.unerased |= rewrite(connection, bucket, lambda: time_left() > RESERVE_S, without)
        run.archive_all()
    return run.summary


def pending(url: str, after_days: int) -> int:
    """How many executions a run would archive now."""
    with opened(url) as connection:
        [found] = fetch(connection, "archive_cutoff", days=after_days)
        [pending] = fetch(connection, "archive_pending", cutoff=found["cutoff"])
    return int(pending["rows"])


def listed(url: str) -> list[dict[str, Any]]:
    """The manifest's objects, newest first."""
    with opened(url) as connection:
        return fetch(connection, "archive_list")


def shown(url: str, key: str) -> dict[str, Any] | None:
    """One object: its row of the manifest, its ranges, and what S3 holds of it; None for none."""
    with opened(url) as connection:
        found = fetch(connection, "archive_show", key=key)
    if not found:
        return None
    named: dict[str, Any] = found[0]["object"]
    return {**named, "held": Bucket(named["bucket"]).held(key, named["version_id"])}


@dataclass
class _Run:
    """One run's surroundings, and what it has done so far."""

    connection: Connection
    exporter: Connection
    bucket: Bucket
    cutoff: datetime
    without: Collection[str]
    progress: Progress
    time_left: Callable[[], float]
    summary: Summary = field(default_factory=Summary)
    stopped: dict[str, Exception] = field(default_factory=dict)
    unerased: dict[str, Exception] = field(default_factory=dict)

    def remove_purged(self) -> None:
        """Remove what is left of purged projects' executions, a few thousand at a time."""
        while self.time_left() > RESERVE_S:
            [removed] = fetch(self.connection, "archive_purged", without=[*self.without])
            if removed["rows"] == 0:
                return

    def archive_all(self) -> None:
        """All days, oldest first; an organization with a broken chain stops only itself."""
        while self.time_left() > RESERVE_S:
            days = self._oldest()
            if not days:
                break
            for found in days:
                try:
                    self._archive_day(**found)
                except (BrokenChain, Overtaken) as error:
                    self.stopped[found["org"]] = error
        if self.unerased or self.stopped:
            raise Incomplete([*self.unerased.values(), *self.stopped.values()])

    def _oldest(self) -> list[dict[str, Any]]:
        without = [*self.without, *self.stopped]
        return fetch(self.connection, "archive_day", cutoff=self.cutoff, without=without)

    def _archive_day(self, org: str, day: date, until: datetime) -> None:
        """Archive what an organization has up to the end of a day, or until the time is up.

        While a part is compressed, put, read back and removed, the next is read and checked.
        """
        before, busy = self.summary.rows, None
        with ThreadPoolExecutor(1) as pool, exported(self.exporter, org, until) as rows:
            for part in parts(rows, self._heads(org)):
                if busy is not None:
                    self.progress(busy.result())
                if self.time_left() <= RESERVE_S:
                    return
                busy = pool.submit(self._archive_part, org, day, part)
            if busy is not None:
                self.progress(busy.result())
        if self.summary.rows == before:  # or the next look would find the same day, for ever
            self._refuse_stuck(org, until)
        self.summary.unnamed += unnamed(self.connection, self.bucket, org, day)

    def _refuse_stuck(self, org: str, until: datetime) -> None:
        """Raise `BrokenChain` for the execution of a day that one before it keeps from its turn."""
        for found in fetch(self.connection, "archive_stuck", org=org, until=until):
            raise BrokenChain(
                f"project {found['project']}, seq {found['seq']}: By the database its moment lies"
                f" before that of seq {found['first']}. {BrokenChain.__doc__}"
            )

    def _heads(self, org: str) -> Heads:
        found = fetch(self.connection, "archive_heads", org=org)
        return {row["project"]: (row["last_seq"], row["head_hash"]) for row in found}

    def _archive_part(self, org: str, day: date, part: Part) -> int:
        part.seal()
        key, version_id = self._put(org, day, part)
        self._remove(org, day, part, {"key": key, "version_id": version_id})
        self.summary.objects += 1
        self.summary.rows += part.rows
        return part.rows

    def _put(self, org: str, day: date, part: Part) -> tuple[str, str]:
        """Key and version of the object that holds a part, once S3 has given it back the same.

        A key at which S3 has long held other bytes is passed over: nothing is deleted from here.
        """
        number = len(fetch(self.connection, "archive_parts", org=org, day=day))
        while True:
            name = f"part-{number:04}-{part.sha256[:16]}.jsonl.gz"
            key = f"{folder(org, day)}{name}"
            put_now = self.bucket.put_new(key, BytesIO(part.body), "application/gzip")
            version_id, held = self.bucket.read_back(key)
            if held == part.sha256:
                return key, version_id
            if put_now:
                raise ReadBackDiffers(f"{key}: {ReadBackDiffers.__doc__}")
            number += 1

    def _remove(self, org: str, day: date, part: Part, stored_as: Mapping[str, str]) -> None:
        """Remove exactly what was archived and write the manifest, or nothing: `Overtaken`."""
        whole = {"sha256": part.sha256, "size": len(part.body), "rows": part.rows}
        named = {**stored_as, **whole, "bucket": self.bucket.name, "day": day}
        remove(self.connection, org, named, part.ranges, self.cutoff)
