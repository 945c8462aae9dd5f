"""What is and what was: projects, state at any version or moment, the audit log."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from uuid import UUID

from control_plane.audit import as_answer
from control_plane.canonical import canonical, sha256, stored
from control_plane.engine.effects import apply
from control_plane.errors import Malformed, NotFound
from control_plane.execution import Target
from control_plane.models import Json
from control_plane.store import Store

MAX_PAGE_BYTES = 4 * 1024 * 1024
MAX_LIMIT = 200
_TOP = 2**63 - 1


type Record = Mapping[str, Any]


class Archived(Protocol):
    """Executions that the database no longer holds."""

    def below(self, org: str, project: str, before: int) -> Iterator[Mapping[str, Any]]:
        """A project's archived rows with seq under `before`, newest first, read as needed."""


def projects(store: Store, org: str, user: str, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the projects that this person may see."""
    before = _decoded(cursor, UUID)
    rows = store.read(
        org, "projects", user=user, project=None, before=before, limit=_clamped(limit) + 1
    )
    return _page(rows, limit, lambda row: row["id"])


def project(store: Store, org: str, user: str, id: str) -> dict[str, Json]:
    """One project as the list shows it."""
    rows = store.read(org, "projects", user=user, project=id, before=None, limit=1)
    if not rows:
        raise NotFound()
    return rows[0]


def state(store: Store, target: Target) -> dict[str, Json]:
    """The state in force: version, moment, hash, and each component's state by id."""
    rows = store.read(target.org, "state_now", project=target.project)
    held = [row for row in rows if row["id"] is not None]
    return {
        "version": rows[0]["version"],
        "at": rows[0]["at"],
        "state_hash": sha256(canonical({row["id"]: row["hash"] for row in held})),
        "components": {row["id"]: stored(row["state"]) for row in held},
    }


def state_at_version(
    store: Store, archived: Archived, target: Target, version: int
) -> dict[str, Json]:
    """The state at an earlier version: the last checkpoint, and the diffs from there on.

    Raises `NotFound` for a version that has not been.
    """
    held = store.read(target.org, "checkpoint", project=target.project, version=version)
    start = held[0]["version"] if held else 0
    components = stored(held[0]["state"]) if held else {}
    at = held[0]["at"] if held else None
    for record, diff in _changes(store, archived, target, start, version):
        components = apply(components, diff)
        start, at = record["version"], record["at"]
    if start != version:
        raise NotFound(f"This project has no version {version}.")
    hashes = {id: sha256(canonical(component)) for id, component in components.items()}
    return {
        "version": version,
        "at": at,
        "state_hash": sha256(canonical(hashes)),
        "components": components,
    }


def version_at(store: Store, archived: Archived, target: Target, at: str) -> int:
    """The version in force at an instant, which an execution's own moment includes; 0 before."""
    found = store.read(target.org, "version_at", project=target.project, at=at)
    if found:
        return int(found[0]["version"])
    for record, _ in _archived_successes(store, archived, target, at=at):
        if record["at"] <= at:
            return int(record["version"])
    return 0


def _changes(
    store: Store, archived: Archived, target: Target, after: int, until: int
) -> list[tuple[Record, Json]]:
    """Record and diff of the successes from one version to another, wherever they lie."""
    rows = store.read(target.org, "changes", project=target.project, after=after, until=until)
    live = [(stored(row["record"]), stored(row["payload"])["diff"]) for row in rows]
    until = live[0][0]["version"] - 1 if live else until
    older: list[tuple[Record, Json]] = []
    if until > after:
        for record, payload in _archived_successes(store, archived, target, version=until):
            if record["version"] <= after:
                break
            if record["version"] <= until:
                older.append((record, stored(payload)["diff"]))
    return [*reversed(older), *live]


def _archived_successes(
    store: Store,
    archived: Archived,
    target: Target,
    version: int | None = None,
    at: str | None = None,
) -> Iterator[tuple[Record, str]]:
    """Archived successes, newest first, from the range on that a version or an instant is in."""
    [found] = store.read(
        target.org, "archived_until", project=target.project, version=version, at=at
    )
    for row in archived.below(target.org, target.project, found["before"] or 0):
        record = stored(row["record"])
        if "version" in record:
            yield record, row["payload"]


def executions(
    store: Store, archived: Archived, target: Target, limit: int, cursor: str | None, **wanted: Any
) -> dict[str, Json]:
    """A page of the audit log, newest first, across the border to the archive.

    `wanted` has status, action, principal, since, until, each None for any.
    """
    before = min(_decoded(cursor, int) or _TOP, _TOP)
    size = _clamped(limit) + 1
    rows = store.read(
        target.org, "executions", project=target.project, before=before, limit=size, **wanted
    )
    if len(rows) < size:
        below = min([before, *(row["seq"] for row in rows)])
        older = archived.below(target.org, target.project, below)
        rows += _taken(older, size - len(rows), wanted)
    page = _page(rows, limit, lambda row: str(row["seq"]))
    page["items"] = _named(store, target.org, [as_answer(row) for row in page["items"]])
    return page


def execution(store: Store, archived: Archived, target: Target, seq: int) -> dict[str, Json]:
    """One execution, live or archived. Raises `NotFound`."""
    anything = dict.fromkeys(("status", "action", "principal", "since", "until"))
    rows = store.read(
        target.org, "executions", project=target.project, before=seq + 1, limit=1, **anything
    )
    if not rows or rows[0]["seq"] != seq:
        rows = _taken(archived.below(target.org, target.project, seq + 1), 1, anything)
    if not rows or stored(rows[0]["record"])["seq"] != seq:
        raise NotFound(f"This project has no execution {seq}.")
    return _named(store, target.org, [as_answer(rows[0])])[0]


def _taken(
    rows: Iterator[Mapping[str, Any]], count: int, wanted: Mapping[str, Any]
) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = []
    for row in rows:
        record = stored(row["record"])
        if _matches(record, wanted):
            taken.append({**row, "seq": record["seq"]})
        if len(taken) == count:
            break
    return taken


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


def _page(rows: list[dict[str, Any]], limit: int, cursor_of: Any) -> dict[str, Json]:
    """At most `limit` rows and 4 MiB, and where the next page starts."""
    items: list[dict[str, Any]] = []
    size = 0
    for row in rows[: _clamped(limit)]:
        size += len(row.get("record") or "") + len(row.get("payload") or "")
        if items and size > MAX_PAGE_BYTES:
            break
        items.append(row)
    more = len(items) < len(rows)
    return {"items": items, "next_cursor": _encoded(cursor_of(items[-1])) if more else None}


def _clamped(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def _encoded(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode()


def _decoded[Position](cursor: str | None, position: Callable[[str], Position]) -> Position | None:
    if cursor is None:
        return None
    try:
        return position(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except ValueError as error:
        raise Malformed("The cursor is not one that a page answered.") from error
