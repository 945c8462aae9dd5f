"""One archived line, or one stored row: strictly canonical, and everything its own hashes say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.audit import FORMAT_VERSION, as_line, hash_payload
from control_plane.canonical import MAX_INTEGER, canonical, deeper_than, sha256, stored
from control_plane.errors import Malformed
from control_plane.models import ID_PATTERN
from control_plane.proof.finding import Broken
from control_plane.proof.fork import RECORDS, Claim, claims_of
from control_plane.registry.builtin import PURGE

NOT_CANONICAL = "This is not canonical JSON."
NOT_A_LINE = "This is not an archived execution: its members are others, or of other types."
NOT_A_RECORD = "This is not a record: a member is missing, or of another type."
WRONG_HASH = "Its hash is not that of its record: one of them was altered."
WRONG_PAYLOAD = "Its payload is not the one that its record says: it or the salt was altered."

MAX_LEVELS = 128
"""Deeper than anything that is let in; a bound on recursion, the same in both verifiers."""
STATUSES = ("success", "rejected", "failed", "pending_approval")
_HASH = re.compile(r"[0-9a-f]{64}")
_SALT = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(ID_PATTERN)
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Line:
    """What a chain needs to know of an execution whose own hashes hold.

    `state_hash` is that of the state which a success has left, `purges` whether one was a purge.
    """

    org: str
    project: str
    seq: int
    hash: str
    prev_hash: str
    at: str
    base_version: int
    version: int | None
    erased: bool
    state_hash: str | None = None
    purges: bool = False
    claims: tuple[Claim, ...] | None = None


def read_line(text: bytes) -> Line:
    """Check one line of the archive, without its end; raises `Broken`."""
    line = _parsed(text)
    if not _is_line(line):
        read_canonical(text)
        raise Broken(NOT_A_LINE)
    try:
        record = canonical(line["record"])
        payload = None if line["payload"] is None else canonical(line["payload"])
    except (RecursionError, Malformed):
        raise Broken(NOT_CANONICAL) from None
    if as_line({**line, "record": record, "payload": payload}).encode() != text:
        raise Broken(NOT_CANONICAL)
    return _checked(line["hash"], (record, line["record"]), payload, line["salt"])


def check_row(row: Mapping[str, Any]) -> Line:
    """Check one row of the database, by the texts in it; raises `Broken`."""
    record = read_canonical(row["record"].encode())
    if row["payload"] is not None:
        read_canonical(row["payload"].encode())
    line = check_texts(row["hash"], row["record"], row["payload"], row["salt"])
    other = [name for name, said in _columns(record).items() if row[name] != said]
    if other:
        problem = f"The row's columns are not what its record says: {', '.join(other)}."
        raise Broken(problem, seq=row["seq"])
    return line


def _columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a row's columns repeat of its record, for filters."""
    names = ("project", "seq", "version", "at", "request_id", "action", "status")
    principal = record.get("principal")
    asked = principal if isinstance(principal, dict) else {}
    return {
        **{name: record.get(name) for name in names},
        "id": record.get("execution_id"),
        "principal_id": asked.get("id"),
        "owner_id": asked.get("owner"),
    }


def check_texts(hash: Any, record: str, payload: str | None, salt: Any) -> Line:
    """Check an execution's canonical texts by its hash and salt; raises `Broken`."""
    if not is_hash(hash) or not _is_salt(salt, payload):
        raise Broken(NOT_A_LINE)
    return _checked(hash, (record, stored(record)), payload, salt)


def _checked(hash: str, record: tuple[str, Any], payload: str | None, salt: str) -> Line:
    """Check a record, as text and as value, and its payload."""
    text, members = record
    if not _is_record(members):
        raise Broken(NOT_A_RECORD)
    where = {"project": members["project"], "seq": members["seq"]}
    if sha256(text) != hash:
        raise Broken(WRONG_HASH, **where)
    if payload is not None and hash_payload(salt, payload) != members["payload_hash"]:
        raise Broken(WRONG_PAYLOAD, **where)
    return Line(
        org=members["org"],
        project=members["project"],
        seq=members["seq"],
        hash=hash,
        prev_hash=members["prev_hash"],
        at=members["at"],
        base_version=members["base_version"],
        version=members.get("version"),
        erased=payload is None,
        state_hash=members.get("state_hash"),
        purges=(members.get("action"), members["status"]) == (PURGE, "success"),
        claims=_claims(members, payload),
    )


def _claims(record: dict[str, Any], payload: str | None) -> tuple[Claim, ...] | None:
    """What it says was abandoned; of what was erased nothing is known."""
    if payload is None or record.get("action") not in RECORDS:
        return None
    try:
        return claims_of(record, stored(payload).get("inputs"))
    except Broken as broken:
        raise broken.within(project=record["project"], seq=record["seq"]) from None


def read_canonical(text: bytes) -> Any:
    """A JSON value from its RFC 8785 text; raises `Broken` for any other text of it."""
    value = _parsed(text)
    try:
        if canonical(value).encode() == text:
            return value
    except (RecursionError, Malformed):
        pass
    raise Broken(NOT_CANONICAL)


def _parsed(text: bytes) -> Any:
    try:
        value = stored(text.decode())
    except (ValueError, RecursionError):
        raise Broken(NOT_CANONICAL) from None
    nested = text.count(b"[") + text.count(b"{") > MAX_LEVELS
    if nested and deeper_than(value, MAX_LEVELS):
        raise Broken(NOT_CANONICAL)
    return value


def _is_line(line: Any) -> bool:
    if not (isinstance(line, dict) and set(line) == {"hash", "payload", "record", "salt"}):
        return False
    payload, salt = line["payload"], line["salt"]
    if not (isinstance(line["record"], dict) and (payload is None or isinstance(payload, dict))):
        return False
    return is_hash(line["hash"]) and _is_salt(salt, payload)


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("status") not in STATUSES:
        return False
    succeeded = record["status"] == "success"
    return (
        is_version(record.get("v"))
        and is_id(record.get("org"))
        and is_id(record.get("project"))
        and is_count(record.get("seq"), least=1)
        and is_moment(record.get("at"))
        and is_count(record.get("base_version"))
        and succeeded == ("version" in record)
        and (not succeeded or is_count(record["version"], least=1))
        and is_hash(record.get("payload_hash"))
        and is_hash(record.get("prev_hash"))
    )


def _is_salt(salt: Any, payload: Any) -> bool:
    if payload is None:
        return salt is None
    return isinstance(salt, str) and _SALT.fullmatch(salt) is not None


def is_hash(value: Any) -> bool:
    """Whether a value is a SHA-256 in lower-case hex."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def is_id(value: Any) -> bool:
    """Whether a value is an id of an organization or a project."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_moment(value: Any) -> bool:
    """Whether a value is a moment as records write it."""
    return isinstance(value, str) and _AT.fullmatch(value) is not None


def is_count(value: Any, least: int = 0) -> bool:
    """Whether a value is an integer from `least` on."""
    return type(value) is int and least <= value <= MAX_INTEGER


def is_version(value: Any) -> bool:
    """Whether a value is the number of the one format that there is."""
    return type(value) is int and value == FORMAT_VERSION
