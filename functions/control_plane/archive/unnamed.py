"""Archive objects that no manifest names: what a killed run, or a lying S3, may leave behind.

A run that is repeated makes the same bytes under the same key and takes up what is there, so that
they are rare. They are in nobody's way, and told of by whoever archives their day.
"""

from datetime import UTC, date, datetime, timedelta

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, turn

ROOT = "executions/"
SAFE_AGE = timedelta(days=1)
"""Nobody who put an object so long ago is still about to name it: a function ends in 15 minutes."""


def folder(org: str, day: date) -> str:
    """Where the objects of an organization's day lie."""
    return f"{ROOT}org={org}/dt={day.isoformat()}/"


def unnamed(connection: Connection, bucket: Bucket, org: str, day: date) -> list[str]:
    """The keys of an organization's day that its manifest doesn't name."""
    named = {row["key"] for row in fetch(connection, "archive_parts", org=org, day=day)}
    return sorted(bucket.keys(folder(org, day)).keys() - named)


def clean(url: str, bucket: Bucket, age: timedelta = SAFE_AGE) -> list[str]:
    """Delete what no manifest names, is older than `age`, and of whose day no execution is left.

    Whoever put it can then not name it any more: its executions are archived. Answers the keys.
    Takes the right to delete, which no function has. Raises `Overtaken` while a run is at work.
    """
    with turn(url) as connection:
        named = {row["key"] for row in fetch(connection, "archive_list")}
        born = {key: at for key, at in bucket.keys(ROOT).items() if key not in named}
        old = [key for key, at in born.items() if at <= datetime.now(UTC) - age]
        gone = [key for key in sorted(old) if _is_done(connection, key)]
        for key in gone:
            bucket.remove(key)
    return gone


def _is_done(connection: Connection, key: str) -> bool:
    """Whether an organization has no execution left of a key's day, or of before."""
    org, day = [part.partition("=")[2] for part in key.split("/")[1:3]]
    [found] = fetch(connection, "archive_left", org=org, day=day)
    return not found["left"]
