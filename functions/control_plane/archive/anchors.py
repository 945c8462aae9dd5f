"""Anchors: what an organization's chains and archive were at a moment, in a bucket that keeps it.

Each holds the hash of the one before. Its text is decided on in one transaction, over the head that
was read there, and only then put; what a run leaves unput, the next one puts first. So the chain of
anchors never forks, whoever runs and wherever they are killed. Anchors in the bucket that this
database doesn't know say that it was set back to an earlier moment: they are followed, never
forked, and not before a recovery or a restore has recorded what was abandoned.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import IsolationLevel, errors

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch, opened
from control_plane.archive.forgetting import forget
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers, SetBack
from control_plane.canonical import canonical_of_ours, sha256
from control_plane.models import GENESIS_HASH, Json
from control_plane.proof.line import is_moment
from control_plane.proof.notice import ANCHOR_KEY
from control_plane.store.connection import sql

FORMAT_VERSION = 1
ATTEMPTS = 5
type Head = dict[str, Any]
"""An organization's last anchor, as the database knows it: org, slug, at, sha256, waiting."""

_BEGIN = "1970-01-01T00:00:00.000000Z"


def anchor(
    url: str, bucket: Bucket, *, follow: bool = False, orgs: Collection[str] | None = None
) -> list[str]:
    """Put an anchor for each organization, or for some; their keys. `url` is the archiver's login.

    With `follow`, also after anchors that this database doesn't know. Raises `Incomplete` when some
    organization's could not be put, after all others'.
    """
    keys, failed = _anchor_each(url, bucket, follow=follow, orgs=orgs)
    if failed:
        raise Incomplete([*failed.values()])
    return keys


def _anchor_each(
    url: str, bucket: Bucket, *, follow: bool = False, orgs: Collection[str] | None = None
) -> tuple[list[str], dict[str, Exception]]:
    """The keys of the anchors that were put, and why others weren't, by organization."""
    keys: list[str] = []
    failed: dict[str, Exception] = {}
    with opened(url) as connection:
        for org in (head["org"] for head in fetch(connection, "anchor_heads", org=None)):
            if orgs is not None and org not in orgs:
                continue
            try:
                keys.append(_anchor(connection, bucket, org, follow))
            except (BotoCoreError, ClientError, ReadBackDiffers, Overtaken, SetBack) as error:
                failed[org] = error
    return keys, failed


@contextmanager
def anchored(url: str, bucket: Bucket, archived: Bucket | None = None) -> Iterator[list[str]]:
    """What is done in this context ends with anchors, also where it fails.

    After that, what erasures took is deleted from `archived`: one organization that is stopped,
    perhaps for long, keeps no other's values there. Yields the organizations that were set back:
    leave them out; they are neither anchored nor cleaned up after. Raises `Incomplete` at its end
    for all that could not be done, by the context either; what else that raises comes as it is.
    """
    failed: Exception | None = None
    try:
        yield [head["org"] for head, _ in _set_back(url, bucket)]
    except Exception as error:  # noqa: BLE001 (raised below, when all others had their turn)
        failed = error
    reasons = _close(url, bucket, archived)
    if isinstance(failed, Incomplete):
        reasons = [*failed.reasons, *reasons]
    elif failed:
        for reason in reasons:
            failed.add_note(str(reason))
        raise failed
    if reasons:
        raise Incomplete(reasons)


def _close(url: str, bucket: Bucket, archived: Bucket | None) -> list[Exception]:
    """Put all anchors and delete what erasures took; why some of it could not be done."""
    _, failed = _anchor_each(url, bucket)
    try:
        if archived:
            forget(url, archived, without=failed)
    except Incomplete as incomplete:
        return [*failed.values(), *incomplete.reasons]
    return [*failed.values()]


def refuse_set_back(url: str, bucket: Bucket) -> None:
    """Raise `SetBack` where the bucket has anchors that this database doesn't know."""
    for head, key in _set_back(url, bucket):
        raise _told(head, key)


def is_set_back(url: str, bucket: Bucket, org: str) -> bool:
    """Whether there are anchors of an organization that the database doesn't know."""
    return bool(_set_back(url, bucket, org))


def _set_back(url: str, bucket: Bucket, org: str | None = None) -> list[tuple[Head, str]]:
    """The heads of all organizations, or of one, that were set back, each with its last anchor."""
    with opened(url) as connection:
        heads = fetch(connection, "anchor_heads", org=org)
        found = [(head, unknown(connection, bucket, head)) for head in heads]
    return [(head, key) for head, key in found if key]


def _told(head: Head, key: str) -> SetBack:
    return SetBack(f"organization {head['slug']}: {SetBack.__doc__} The last is {key}.")


def unknown(connection: Connection, bucket: Bucket, head: Head) -> str | None:
    """The key of an organization's last anchor, where its bucket has later ones than its head.

    Another run's is no such one: that is the database's head before it is put.
    """
    org = head["org"]
    key = max(_keys(bucket, org, after=key_of(org, head["at"] or _BEGIN)), default=None)
    [now] = fetch(connection, "anchor_heads", org=org)
    return key if now["sha256"] == head["sha256"] else None


def listed(bucket: Bucket, org: str) -> set[str]:
    """The keys of the objects that the newest anchor of an organization's bucket lists."""
    newest = max(_keys(bucket, org), default=None)
    if newest is None:
        return set()
    return {each["key"] for each in orjson.loads(bucket.read(newest)[0])["objects"]}


def _keys(bucket: Bucket, org: str, after: str = "") -> Iterator[str]:
    """The keys of an organization's anchors that come after another, in order."""
    for key in bucket.keys(_prefix(org), after):
        found = ANCHOR_KEY.fullmatch(key)
        if found and is_moment(found[2]):
            yield key


def key_of(org: str, at: str) -> str:
    """Where an organization's anchor of a moment lies."""
    return f"{_prefix(org)}{at}.json"


def _prefix(org: str) -> str:
    return f"anchors/org={org}/"


def _anchor(connection: Connection, bucket: Bucket, org: str, follow: bool) -> str:
    """Put one organization's anchor, after the one that another run makes meanwhile."""
    for _ in range(ATTEMPTS):
        [head] = fetch(connection, "anchor_heads", org=org)
        if head["waiting"]:
            _keep(connection, bucket, org, head["at"], head["waiting"])
        at, hash = head["at"] or _BEGIN, head["sha256"] or GENESIS_HASH
        key = unknown(connection, bucket, head)
        if key and not follow:
            raise _told(head, key)
        if key:
            at, hash = _moment(org, key), bucket.read_back(key)[1]
        decided = _decide(connection, org, at, hash, head["sha256"])
        if decided is not None:
            return _keep(connection, bucket, org, *decided)
    raise Overtaken(f"anchors of organization {head['slug']}: {Overtaken.__doc__}")


def _moment(org: str, key: str) -> str:
    return key.removeprefix(_prefix(org)).removesuffix(".json")


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
        "projects": [_project(**row) for row in projects],
        "objects": fetch(connection, "anchor_objects", org=org),
    }


def _project(*, purged: bool, **chain: Json) -> dict[str, Json]:
    """A project as an anchor has it: of what was purged it says so, whose chain goes on no more."""
    return {**chain, "purged": True} if purged else chain


def _keep(connection: Connection, bucket: Bucket, org: str, at: str, text: str) -> str:
    """Put an anchor's text, and note that its bucket really holds it."""
    key = key_of(org, at)
    bucket.keep(key, text.encode(), "application/json")
    connection.execute(sql("anchor_kept"), {"org": org, "sha256": sha256(text)})
    return key
