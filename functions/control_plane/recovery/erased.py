"""What was erased since the moment: the archive has followed, and so does the database now.

Objects were written anew under other keys, and the old ones are gone: the manifest names the new
ones. Copies of what they lost go from the database, and the states that were kept come back to it.
Of executions that were not archived since, nothing tells that they were erased.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import orjson
import psycopg

from control_plane.archive.database import Connection, fetch
from control_plane.canonical import canonical
from control_plane.proof.anchors import Anchors
from control_plane.restore.kept import Kept
from control_plane.restore.source import Buckets, Line, checked
from control_plane.store.connection import sql

type Follow = Callable[[list[Line]], None]
"""Called with one project's consecutive executions as an object has them, before it is named."""


def following(connection: psycopg.Connection[Any], source: Buckets, org: str) -> Follow:
    """Take from the database what executions have lost; `connection` is the schema's owner's."""
    kept = Kept(source, org)

    def follow(lines: list[Line]) -> None:
        project = lines[0]["record"]["project"]
        for span in _erased(lines):
            effect = orjson.dumps(_forgotten(span)).decode()
            connection.execute("SELECT forget_copies(%s::uuid, %s::json)", [project, effect])
        for line in lines:
            state = kept.at(line["record"]) if "version" in line["record"] else None
            if state:
                texts = {name: canonical(state[of]) for name, of in _TEXTS.items()}
                whole = {**state, **texts, "org": org, "project": project}
                connection.execute(sql("recover_kept"), whole)

    return follow


def retake(
    connection: Connection, source: Buckets, org: str, anchors: Anchors, follow: Follow
) -> None:
    """Let the manifest name what took the places of objects that are gone.

    `connection` is the archiver's. An object for which there is none stays named: verifying tells.
    Raises `Broken` for one that can't be read.
    """
    there = set(source.objects(org))
    named = fetch(connection, "recover_manifest", org=org)
    for found in (row for row in named if row["key"] not in there):
        place = found["key"].rpartition("-")[0]
        anew = [k for k in sorted(there) if k.rpartition("-")[0] == place and anchors.in_last(k)]
        any(_take(connection, source, found, key, follow) for key in anew)


def _take(
    connection: Connection, source: Buckets, found: dict[str, Any], key: str, follow: Follow
) -> bool:
    """Let the manifest name an object, if it holds the same executions as the one before."""
    data, version_id = source.archive.read(key)
    read = checked(key, data)
    if [_range(lines) for *_, lines in read] != found["ranges"]:
        return False
    for *_, lines in read:
        follow(lines)
    sha256 = hashlib.sha256(data).hexdigest()
    named = {"key": key, "version_id": version_id, "sha256": sha256, "size": len(data)}
    with connection.transaction():
        connection.execute(sql("erasure_switch"), {**named, "archive": found["archive"]})
        for offset, length, lines in read:
            project, first, *_ = _range(lines)
            place = {"project": project, "first_seq": first, "offset": offset, "length": length}
            connection.execute(sql("erasure_member"), place)
    return True


def _range(lines: list[Line]) -> list[Any]:
    first, last = lines[0]["record"], lines[-1]["record"]
    return [first["project"], first["seq"], last["seq"], lines[-1]["hash"]]


_TEXTS = {"state": "components", "schemas": "schemas"}


def _erased(lines: list[Line]) -> Iterator[list[Line]]:
    """Executions without payloads, as far as they stand side by side."""
    for erased, span in groupby(lines, key=lambda line: line["payload"] is None):
        if erased:
            yield list(span)


def _forgotten(span: list[Line]) -> dict[str, Any]:
    """As the effect of an erasure says it; the state after its last version is gone with it."""
    records = [line["record"] for line in span]
    versions = [record["version"] for record in records if "version" in record]
    return {
        "first_seq": records[0]["seq"],
        "last_seq": records[-1]["seq"],
        "first_at": records[0]["at"],
        "last_at": records[-1]["at"],
        "first_version": versions[0] if versions else None,
        "last_version": versions[-1] + 1 if versions else None,
        "about": [record["about"] for record in records if record["trigger"] == "approval"],
    }
