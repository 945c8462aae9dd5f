"""What is and what was: projects, state at any version or moment, the audit log."""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from control_plane.archive.reader import Archive
from control_plane.audit import as_answer
from control_plane.canonical import canonical, sha256, stored
from control_plane.errors import Malformed, NotFound
from control_plane.identity import Caller
from control_plane.intact import check_components
from control_plane.models import Json
from control_plane.store import Row, Store
from control_plane.target import Target

MAX_PAGE_BYTES = 2_500_000
"""Bytes of texts on one page: under 4 MiB as an answer, and under Lambda's 6 MB where quotation
marks are escaped once more on the way."""
MAX_RANGES = 64
"""Archived ranges that one request reads: each is a read from S3 of at most 16 MiB."""
MAX_READ_BYTES = 32 * 1024 * 1024
"""Compressed bytes of them after which a request reads no further: a second or two."""
ANY: Mapping[str, Any] = dict.fromkeys(("status", "action", "principal", "since", "until"))
MAX_LIMIT = 200
_TOP = 2**63 - 1


def projects(store: Store, caller: Caller, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the projects that the caller may see."""
    before, count = decoded(cursor, UUID), clamped(limit)
    seen = {"user": caller.user, "only": caller.projects}
    page = {"project": None, "before": before, "limit": count + 1}
    rows = store.read(caller.org, "projects", **seen, **page)
    return {"items": rows[:count], "next_cursor": following(rows, count)}


def project(store: Store, org: str, user: str, id: str) -> dict[str, Json]:
    """One project as the list shows it; of a purged one, the tombstone."""
    page = {"before": None, "only": None, "limit": 1}
    rows = store.read(org, "projects", user=user, project=id, **page)
    if not rows:
        raise NotFound()
    return rows[0]


def state(store: Store, target: Target) -> dict[str, Json]:
    """The state in force: version, its moment, hash, and each component's state by id.

    Where the version's execution is archived, the moment is that of the last one of any kind.
    Raises `Damaged` where a component isn't what its hash says.
    """
    rows = store.read(target.org, "state_now", project=target.project)
    held = [row for row in rows if row["id"] is not None]
    check_components((row["hash"], row["state"]) for row in held)
    return {
        "version": rows[0]["version"],
        "at": rows[0]["at"],
        "state_hash": sha256(canonical({row["id"]: row["hash"] for row in held})),
        "components": {row["id"]: stored(row["state"]) for row in held},
    }


def executions(
    store: Store, archived: Archive, target: Target, limit: int, cursor: str | None, **wanted: Any
) -> dict[str, Json]:
    """A page of the audit log, newest first, across the border to the archive.

    `wanted` has status, action, principal, since, until, each None for any. A page may hold fewer
    items than there are, none at the least, and still name the next: it ends with its bytes or
    with the number of archived ranges that one request reads.
    """
    before = decoded(cursor, position)
    before = _TOP if before is None else min(before, _TOP)
    count = clamped(limit) + 1
    rows = _live(store, target, before, count, wanted)
    resume = None
    live_more = bool(rows) and rows[0]["found"] > min(len(rows), count - 1)
    if not live_more:
        before = rows[-1]["seq"] if rows else before  # what moved meanwhile is not read again
        older, resume = _older(archived, target, before, count - len(rows), wanted)
        rows += older
    items = _fitting(store, target, rows, count - 1)
    if live_more or len(items) < len(rows):
        resume = items[-1]["seq"]
    more = None if resume is None else encoded(str(resume))
    return {"items": _named(store, target.org, items), "next_cursor": more}


def execution(store: Store, archived: Archive, target: Target, seq: int) -> dict[str, Json]:
    """One execution, live or archived. Raises `NotFound`."""
    rows = _live(store, target, seq + 1, 1, ANY)
    if not rows or rows[0]["seq"] != seq:
        rows, _ = _older(archived, target, seq + 1, 1, ANY)
    if not rows or rows[0]["seq"] != seq:
        raise NotFound(f"This project has no execution {seq}.")
    return _named(store, target.org, _fitting(store, target, rows, 1))[0]


def archives(store: Store, target: Target, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the archive objects that hold executions of the project, newest first."""
    before, count = decoded(cursor, position), clamped(limit)
    page = {"project": target.project, "before": before, "limit": count + 1}
    rows = store.read(target.org, "archived_objects", **page)
    return {"items": rows[:count], "next_cursor": following(rows, count, "first_seq")}


def _live(
    store: Store, target: Target, before: int, count: int, wanted: Mapping[str, Any]
) -> list[Row]:
    found = {"before": before, "limit": count, "bytes": MAX_PAGE_BYTES, **wanted}
    return store.read(target.org, "executions", project=target.project, **found)


def _older(
    archived: Archive, target: Target, before: int, count: int, wanted: Mapping[str, Any]
) -> tuple[list[Row], int | None]:
    """So many archived rows, and where to go on when this request has read enough ranges."""
    rows: list[Row] = []
    time = {"since": wanted["since"], "until": wanted["until"]}
    spans = archived.spans(target.org, target.project, before, MAX_RANGES + 1, **time)
    read = 0
    for number, span in enumerate(spans):
        if number == MAX_RANGES or read > MAX_READ_BYTES:
            return rows, spans[number - 1]["first_seq"]
        read += span["byte_length"]
        for row in archived.rows(span, before, lambda record: _matches(record, wanted)):
            rows.append(row)
            if len(rows) == count:
                return rows, None
    return rows, None


def _fitting(store: Store, target: Target, rows: list[Row], count: int) -> list[dict[str, Json]]:
    """The first executions as they are answered, as many as one page holds, one at the least."""
    said = _said(store, target, rows[:count])
    items: list[dict[str, Json]] = []
    size = 0
    for row in rows[:count]:
        item = as_answer(row, said(row))
        texts = (row["record"], row["payload"] or "", *item["explanations"])
        size += sum(len(text.encode()) for text in texts)
        if items and size > MAX_PAGE_BYTES:
            break
        items.append(item)
    return items


def _said(store: Store, target: Target, rows: list[Row]) -> Callable[[Row], Mapping[str, str]]:
    """What declarations say, and the rules of the policy that was in force at an execution."""
    records = [stored(row["record"]) for row in rows if '"rule":' in row["record"]]
    named = [
        (record["policy_version"], reason["rule"])
        for record in records
        for reason in record["reasons"]
        if "rule" in reason
    ]
    versions, rules = [version for version, _ in named], [rule for _, rule in named]
    about = {"project": target.project, "versions": versions, "rules": rules}
    said: dict[int, dict[str, str]] = {}
    for row in store.read(target.org, "rule_messages", **about) if named else []:
        said.setdefault(row["version"], {})[f"rule/{row['rule']}"] = row["message"]
    in_force = {record["seq"]: said.get(record["policy_version"], {}) for record in records}
    declared = target.registry.sentences
    return lambda row: {**declared, **in_force.get(row["seq"], {})}


def _matches(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    principal = record["principal"]
    since, until = wanted["since"], wanted["until"]
    return (
        wanted["status"] in (None, record["status"])
        and wanted["action"] in (None, record["action"])
        and wanted["principal"] in (None, principal["id"], principal["owner"])
        and (since is None or record["at"] >= since)
        and (until is None or record["at"] < until)
    )


def _named(store: Store, org: str, items: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """The items with the names of the people whom their records know by id only."""
    ids = sorted({item["principal"]["owner"] for item in items})
    names = {row["id"]: row["username"] for row in store.read(org, "users_by_id", ids=ids)}
    return [{**item, "username": names.get(item["principal"]["owner"])} for item in items]


def clamped(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def encoded(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode()


def following(rows: list[Row], count: int, member: str = "id") -> str | None:
    """The cursor behind the first `count` rows; None where there are no more."""
    return encoded(str(rows[count - 1][member])) if len(rows) > count else None


def position(text: str) -> int:
    """A cursor's number. Raises ValueError for one that no page has answered."""
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


def decoded[Position](cursor: str | None, position: Callable[[str], Position]) -> Position | None:
    if cursor is None:
        return None
    try:
        return position(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except ValueError as error:
        raise Malformed("The cursor is not one that a page answered.") from error
