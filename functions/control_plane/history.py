"""State at any earlier version or moment: the last checkpoint, and the diffs from there on."""

from collections.abc import Iterator, Mapping
from typing import Any

from control_plane.archive.reader import Archive
from control_plane.canonical import canonical, sha256, stored
from control_plane.engine.effects import Divergence, apply
from control_plane.errors import Damaged, NotFound, StateErased
from control_plane.models import Json, Past
from control_plane.store import Store
from control_plane.target import Target

type Record = Mapping[str, Any]


def state_at_version(
    store: Store, archived: Archive, target: Target, version: int
) -> dict[str, Json]:
    """The state at an earlier version.

    Raises `NotFound` for a version that has not been, `StateErased` for one that was erased.
    """
    past, at = moment_of(store, archived, target, version)
    if past is None:
        raise NotFound(f"This project has no version {version}.")
    hashes = {id: sha256(canonical(component)) for id, component in past.components.items()}
    return {
        "version": version,
        "at": at,
        "state_hash": sha256(canonical(hashes)),
        "components": dict(past.components),
    }


def past_at(store: Store, archived: Archive, target: Target, version: int) -> Past | None:
    """A version as it was; None for one that has not been. Raises `StateErased`."""
    return moment_of(store, archived, target, version)[0]


def moment_of(
    store: Store, archived: Archive, target: Target, version: int
) -> tuple[Past | None, str | None]:
    """A version as it was, and when it was made. Raises `StateErased`, and `Damaged`."""
    held = store.read(target.org, "checkpoint", project=target.project, version=version)
    reached, at = (held[0]["version"], held[0]["at"]) if held else (0, None)
    past = (
        Past(stored(held[0]["state"]), stored(held[0]["schemas"]), held[0]["seq"])
        if held
        else Past({})
    )
    for record, diff in _changes(store, archived, target, reached, version):
        schemas = {**past.schemas, **record["component_versions"]}
        past = Past(_changed(past, record, diff), schemas, record["seq"])
        reached, at = record["version"], record["at"]
    return (past if reached == version else None), at


def _changed(past: Past, record: Record, diff: Json) -> dict[str, Json]:
    """The components after a success; raises `Damaged` where it changed others than there were."""
    try:
        changed: dict[str, Json] = apply(dict(past.components), diff)
    except Divergence as error:
        raise Damaged(
            f"Execution {record['seq']} doesn't follow from the version before it: the stored state"
            " was altered by no execution. Let an operator look at both."
        ) from error
    return changed


def version_at(store: Store, archived: Archive, target: Target, at: str) -> int:
    """The version in force at an instant, which an execution's own moment includes; 0 before."""
    found = store.read(target.org, "version_at", project=target.project, at=at)
    if found:
        return int(found[0]["version"])
    for record, _ in _archived_successes(store, archived, target, at=at):
        if record["at"] <= at:
            return int(record["version"])
    return 0


def _changes(
    store: Store, archived: Archive, target: Target, after: int, until: int
) -> list[tuple[Record, Json]]:
    """Record and diff of the successes from one version to another, wherever they lie."""
    rows = store.read(target.org, "changes", project=target.project, after=after, until=until)
    live = [(stored(row["record"]), _diff(row["payload"])) for row in rows]
    until = live[0][0]["version"] - 1 if live else until
    older: list[tuple[Record, Json]] = []
    if until > after:
        for record, payload in _archived_successes(store, archived, target, version=until):
            if record["version"] <= after:
                break
            if record["version"] <= until:
                older.append((record, _diff(payload)))
    return [*reversed(older), *live]


def _diff(payload: str | None) -> Json:
    if payload is None:
        raise StateErased()
    return stored(payload)["diff"]


def _archived_successes(
    store: Store,
    archived: Archive,
    target: Target,
    version: int | None = None,
    at: str | None = None,
) -> Iterator[tuple[Record, str | None]]:
    """Archived successes, newest first, from the range on that a version or an instant is in."""
    [found] = store.read(
        target.org, "archived_until", project=target.project, version=version, at=at
    )
    for row in archived.below(target.org, target.project, found["before"] or 0):
        record = stored(row["record"])
        if "version" in record:
            yield record, row["payload"]
