"""Archive objects that no manifest names: what a killed run, or a lying S3, may leave behind.

A run that is repeated makes the same bytes under the same key and takes up what is there, so that
they are rare. They are in nobody's way, and told of by whoever archives their day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from control_plane.archive.anchors import listed
from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, turn

ROOT = "executions/"
_PLACE = re.compile(rf"{ROOT}org=([^/]+)/dt=([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/.+")
SAFE_AGE = timedelta(days=1)
"""Nobody who put an object so long ago is still about to name it: a function ends in 15 minutes."""


def folder(org: str, day: date) -> str:
    """Where the objects of an organization's day lie."""
    return f"{ROOT}org={org}/dt={day.isoformat()}/"


def unnamed(connection: Connection, bucket: Bucket, org: str, day: date) -> list[str]:
    """The keys of an organization's day that its manifest doesn't name."""
    named = {row["key"] for row in fetch(connection, "archive_parts", org=org, day=day)}
    return sorted(bucket.keys(folder(org, day)).keys() - named)


@dataclass
class Cleaned:
    """The keys that were deleted, and the folders whose organization isn't in the database."""

    gone: list[str]
    unknown: list[str]


def clean(url: str, bucket: Bucket, anchors: Bucket, age: timedelta = SAFE_AGE) -> Cleaned:
    """Delete what no manifest names, is older than `age`, and of whose day no execution is left.

    Whoever put it can then not name it any more: its executions are archived. What the newest
    anchor lists stays, and so does all of an organization that this database doesn't know: it may
    be what is left to restore it from. For people alone to ask for. Raises `Overtaken`
    while a run is at work.
    """
    with turn(url) as connection:
        orgs = {row["org"] for row in fetch(connection, "verify_organizations", slug=None)}
        named = {row["key"] for row in fetch(connection, "archive_list")}
        born = {key: at for key, at in bucket.keys(ROOT).items() if key not in named}
        places = [found for found in map(_PLACE.fullmatch, born) if found]
        until = datetime.now(UTC) - age
        old = [at for at in places if at[1] in orgs and born[at[0]] <= until]
        kept = {key for org in sorted({at[1] for at in old}) for key in listed(anchors, org)}
        gone = [at[0] for at in old if at[0] not in kept and _is_done(connection, at[1], at[2])]
        for key in gone:
            bucket.remove(key)
    return Cleaned(gone, [f"{ROOT}org={org}" for org in sorted({at[1] for at in places} - orgs)])


def _is_done(connection: Connection, org: str, day: str) -> bool:
    """Whether an organization has no execution left of a day, or of before."""
    [found] = fetch(connection, "archive_left", org=org, day=day)
    return not found["left"]
