"""Anchors: what an organization's chains and archive were at a moment, in a bucket that keeps it.

Each holds the hash of the one before. Its text is decided on in one transaction, over the head that
was read there, and only then put; what a run leaves unput, the next one puts first. So the chain of
anchors never forks, whoever runs and wherever they are killed. Anchors in the bucket that this
database doesn't know, after it was set back to an earlier moment, are followed and not forked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from botocore.exceptions import BotoCoreError, ClientError
from psycopg import IsolationLevel, errors

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, opened
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers
from control_plane.canonical import canonical_of_ours, sha256
from control_plane.models import GENESIS_HASH, Json
from control_plane.store.connection import sql

FORMAT_VERSION = 1
ATTEMPTS = 5
_BEGIN = "1970-01-01T00:00:00.000000Z"


def anchor(url: str, bucket: Bucket) -> list[str]:
    """Put an anchor for each organization; their keys. `url` is the archiver's login.

    Raises `Incomplete` when some organization's could not be put, after all others'.
    """
    keys: list[str] = []
    failed: list[Exception] = []
    with opened(url) as connection:
        for found in fetch(connection, "anchor_heads", org=None):
            try:
                keys.append(_anchor(connection, bucket, found["org"]))
            except (BotoCoreError, ClientError, ReadBackDiffers, Overtaken) as error:
                failed.append(error)
    if failed:
        raise Incomplete(failed)
    return keys


@contextmanager
def anchored(url: str, bucket: Bucket) -> Iterator[None]:
    """What is done in this context ends with an anchor, also where it fails."""
    try:
        yield
    finally:
        anchor(url, bucket)


def key_of(org: str, at: str) -> str:
    """Where an organization's anchor of a moment lies."""
    return f"{_prefix(org)}{at}.json"


def _prefix(org: str) -> str:
    return f"anchors/org={org}/"


def _anchor(connection: Connection, bucket: Bucket, org: str) -> str:
    """Put one organization's anchor, after the one that another run makes meanwhile."""
    for _ in range(ATTEMPTS):
        [head] = fetch(connection, "anchor_heads", org=org)
        if head["waiting"]:
            _keep(connection, bucket, org, head["at"], head["waiting"])
        at, hash = _last(bucket, org, head["at"] or _BEGIN, head["sha256"] or GENESIS_HASH)
        decided = _decide(connection, org, at, hash, head["sha256"])
        if decided is not None:
            return _keep(connection, bucket, org, *decided)
    raise Overtaken(f"anchors of {org}: {Overtaken.__doc__}")


def _last(bucket: Bucket, org: str, at: str, hash: str) -> tuple[str, str]:
    """Moment and hash of the bucket's last anchor, where that is later than the one known here."""
    key = max(bucket.keys(_prefix(org), after=key_of(org, at)), default=None)
    if key is None:
        return at, hash
    return key.removeprefix(_prefix(org)).removesuffix(".json"), bucket.read_back(key)[1]


def _decide(
    connection: Connection, org: str, after: str, previous: str, over: str | None
) -> tuple[str, str] | None:
    """Moment and text of the next anchor, now the head of the chain; None where that has moved."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            members = _members(connection, org, after, previous)
            at, text = members["at"], canonical_of_ours(members)
            head = {"at": at, "sha256": sha256(text), "text": text, "over": over}
            return (at, text) if fetch(connection, "anchor_set", org=org, **head) else None
    except errors.SerializationFailure:
        return None
    finally:
        connection.isolation_level = None


def _members(connection: Connection, org: str, after: str, previous: str) -> dict[str, Json]:
    """What an anchor says; everything is read on the transaction's one snapshot."""
    projects = fetch(connection, "anchor_projects", org=org)
    [moment] = fetch(connection, "anchor_moment", after=after)
    return {
        "v": FORMAT_VERSION,
        "at": moment["at"],
        "org": org,
        "prev_anchor": previous,
        "projects": projects,
        "objects": fetch(connection, "anchor_objects", org=org),
    }


def _keep(connection: Connection, bucket: Bucket, org: str, at: str, text: str) -> str:
    """Put an anchor's text, and note that its bucket really holds it."""
    key = key_of(org, at)
    bucket.put_new(key, BytesIO(text.encode()), "application/json")
    if bucket.read_back(key)[1] != sha256(text):
        raise ReadBackDiffers(f"{key}: {ReadBackDiffers.__doc__}")
    connection.execute(sql("anchor_kept"), {"org": org, "sha256": sha256(text)})
    return key
