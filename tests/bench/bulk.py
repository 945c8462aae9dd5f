"""Executions in bulk: a project's last one again and again, in a chain that verifies.

Every hash is true: of payload, record, state and the one before. Written by COPY, so that a million
take a minute and not an hour.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg
from control_plane.audit import hash_payload
from control_plane.canonical import canonical, canonical_of_ours, sha256
from control_plane.ids import uuid7
from psycopg.rows import dict_row

COLUMNS = (
    "org_id", "project_id", "seq", "version", "at", "id", "request_id", "principal_id", "owner_id",
    "action", "status", "hash", "salt", "payload", "record",
)  # fmt: skip
COUNTER = "demo.counter"


@dataclass
class Pattern:
    """A project's last execution, an increment of its counter, and what surrounds it."""

    row: dict[str, Any]
    record: dict[str, Any]
    value: int
    hashes: dict[str, str]


def fill(url: str, project: str, rows: int, begin: datetime, days: int) -> None:
    """Append so many executions, spread evenly over days from `begin`; `url` is a superuser's."""
    step = timedelta(days=days) / rows
    with psycopg.connect(url, row_factory=dict_row) as connection:
        pattern = _pattern(connection, project)
        copy = f"COPY executions ({', '.join(COLUMNS)}) FROM STDIN"
        last: Mapping[str, Any] = {}
        with connection.cursor() as cursor, cursor.copy(copy.encode()) as stream:
            for last in _made(pattern, rows, begin, step):
                stream.write_row([last[name] for name in COLUMNS])
        connection.execute(
            "UPDATE projects SET seq = %(seq)s, version = %(version)s, hash = %(hash)s, at = %(at)s"
            " WHERE id = %(project_id)s",
            last,
        )
        connection.execute(
            "UPDATE components SET version = %s, state = %s, hash = %s"
            " WHERE project_id = %s AND id = %s",
            [last["version"], *_state(pattern.value), project, COUNTER],
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) executions")


def _pattern(connection: psycopg.Connection[dict[str, Any]], project: str) -> Pattern:
    query = "SELECT * FROM executions WHERE project_id = %s ORDER BY seq DESC LIMIT 1"
    [row] = connection.execute(query, [project]).fetchall()
    query = "SELECT id, hash, state FROM components WHERE project_id = %s"
    held = {each["id"]: each for each in connection.execute(query, [project]).fetchall()}
    value = orjson.loads(held[COUNTER]["state"])["value"]
    hashes = {id: each["hash"] for id, each in held.items()}
    return Pattern(row, orjson.loads(row["record"]), value, hashes)


def _state(value: int) -> tuple[str, str]:
    """The counter's state and its hash."""
    text = f'{{"value":{value}}}'
    return text, sha256(text)


def _made(
    pattern: Pattern, rows: int, begin: datetime, step: timedelta
) -> Iterator[Mapping[str, Any]]:
    """The rows, each linked to the one before; `pattern` goes with them."""
    row, record = pattern.row, pattern.record
    for number in range(rows):
        payload, salt, id = _payload(pattern), secrets.token_hex(16), uuid7()
        record |= {
            "seq": row["seq"] + 1,
            "base_version": row["version"],
            "version": row["version"] + 1,
            "at": f"{begin + step * number:%Y-%m-%dT%H:%M:%S.%fZ}",
            "execution_id": id,
            "request_id": id,
            "payload_hash": hash_payload(salt, payload),
            "prev_hash": row["hash"],
            "state_hash": sha256(canonical(pattern.hashes)),
        }
        text = canonical_of_ours(record)
        row |= {name: record[name] for name in ("seq", "version", "at", "request_id")}
        row |= {"id": id, "salt": salt, "payload": payload, "record": text, "hash": sha256(text)}
        yield row


def _payload(pattern: Pattern) -> str:
    """One more increment of the counter."""
    before, pattern.value = pattern.value, pattern.value + 1
    pattern.hashes[COUNTER] = _state(pattern.value)[1]
    change = {"before": before, "op": "replace", "path": "/demo.counter/value"}
    return canonical({"diff": [{**change, "value": pattern.value}], "inputs": {"amount": 1}})
