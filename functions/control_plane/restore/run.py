"""The restore: verify archive and anchors, replay every chain, write all of it in one transaction.

An empty database gets back every project exactly as of its last archived execution, or of a moment
before; executions themselves stay where they are, and the manifest says where that is. Those of an
object that goes on after the moment are in the database again, and the object is left out. Each
project's chain then goes on with an execution that says what was abandoned.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.administration import administer
from control_plane.archive.notices import put_notice
from control_plane.models import GENESIS_HASH, SYSTEM, Intent, Json
from control_plane.proof.anchors import Anchors
from control_plane.proof.notice import request_of
from control_plane.proof.report import check_organization
from control_plane.registry import Registry
from control_plane.restore.kept import Kept
from control_plane.restore.organization import Organization
from control_plane.restore.project import Damaged, Project
from control_plane.restore.source import Buckets, members
from control_plane.restore.writer import NotEmpty, write
from control_plane.store import Store
from control_plane.store.login import connect
from control_plane.target import Target

RESTORE = "project.restore"

type Progress = Callable[[int], None]

__all__ = ["Damaged", "NotEmpty", "Restored", "restore"]


@dataclass
class Restored:
    """What came back, and what can't: `people` need passwords, scripts need `tokens`."""

    organizations: int = 0
    projects: int = 0
    executions: int = 0
    people: int = 0
    undecided: int = 0


@dataclass
class _Found:
    """One organization as it was replayed, and the manifest's rows for it.

    `left` has seq and hash of each project's last execution that is left in the archive.
    """

    organization: Organization
    anchors: Anchors
    kept: Kept
    objects: list[dict[str, Any]] = field(default_factory=list)
    ranges: list[dict[str, Any]] = field(default_factory=list)
    left: dict[str, tuple[int, str]] = field(default_factory=dict)
    executions: int = 0

    def is_abandoned(self, line: Mapping[str, Any]) -> bool:
        """Whether anchors hold another execution in the place of this one."""
        project, seq = line["record"]["project"], line["record"]["seq"]
        pins = self.anchors.pins
        return pins.lost(project) or pins.against(project, seq, line["hash"]) is not None


def restore(
    owner_url: str,
    source: Buckets,
    registries: Mapping[str, Registry],
    until: str | None = None,
    progress: Progress = lambda _rows: None,
    orgs: Collection[str] | None = None,
) -> Restored:
    """Restore everything, or some organizations, into an empty, migrated database, as its owner.

    `until` is a moment as records write it; what came later is left in the archive and out of the
    manifest. Raises `Damaged` for what is missing or altered, and `NotEmpty`; nothing was written
    then. `progress` is told the number of executions after each object.
    """
    orgs = source.organizations() if orgs is None else orgs
    found = [_replayed(source, org, until, progress) for org in orgs]
    for each in found:
        _check_templates(each.organization, registries)
    with connect(owner_url) as connection:
        for each in found:
            write(connection, each.organization, each.objects, each.ranges)
    store = Store(owner_url)
    for each in found:
        _record(store, registries, each, until)
        _notify(store, source, each)
    return _summed_up(found)


def _replayed(source: Buckets, org: str, until: str | None, progress: Progress) -> _Found:
    organization = Organization(org)
    try:
        return _replay(source, organization, until, progress)
    except Damaged as damaged:
        raise Damaged(f"organization {organization.slug or org}: {damaged}") from damaged


def _replay(
    source: Buckets, organization: Organization, until: str | None, progress: Progress
) -> _Found:
    org = organization.id
    keys = source.objects(org)
    anchors = ((key, source.read(key)) for key in source.anchors(org))
    report = check_organization(org, anchors, keys, lambda key: [source.read(key)])
    if report.finding:
        raise Damaged(str(report.finding))
    found = _Found(organization, report.anchors, Kept(source, org))
    for key in report.anchors.kept(keys):
        rows = _take_object(found, source, key, until)
        found.executions += rows
        progress(rows)
    _bury(found)
    found.organization.check_whole()
    return found


def _bury(found: _Found) -> None:
    """A purge isn't archived, and what it took doesn't come back: anchors know of it."""
    for id in sorted(found.anchors.purged & found.organization.projects.keys()):
        found.organization.bury(id, *found.anchors.pins.known(id), found.anchors.at)


def _take_object(found: _Found, source: Buckets, key: str, until: str | None) -> int:
    """Replay an object's executions of before the moment; how many those were."""
    (data, version_id), ranges, rows = source.archive.read(key), [], 0
    parts = list(members(data))
    live = not all(_is_whole(found, lines, until) for *_, lines in parts)
    for offset, length, lines in parts:
        taken = _take_member(found, lines, until, live=live)
        rows += len(taken)
        if taken and not live:
            ranges.append({**_range(taken), "offset": offset, "length": length, "key": key})
    if ranges:
        found.objects.append(
            {
                "key": key,
                "bucket": source.archive.name,
                "version_id": version_id,
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
                "rows": rows,
                "at": max(each["last_at"] for each in ranges),
            }
        )
        found.ranges += ranges
    return rows


def _is_whole(found: _Found, lines: list[dict[str, Any]], until: str | None) -> bool:
    """Whether the manifest can name all of a project's executions in an object as its next."""
    id = lines[0]["record"]["project"]
    project, before = found.organization.projects.get(id), _reached(found, id)
    for line in lines:
        late = until is not None and line["record"]["at"] > until
        if late or line["record"]["prev_hash"] != before or found.is_abandoned(line):
            return False
        before = line["hash"]
    return not (project and project.live)


def _take_member(
    found: _Found, lines: list[dict[str, Any]], until: str | None, *, live: bool
) -> list[dict[str, Any]]:
    """Replay a project's executions of before the moment; those, with their hashes."""
    taken: list[dict[str, Any]] = []
    for line in lines:
        record, id = line["record"], line["record"]["project"]
        if record["prev_hash"] != _reached(found, id) or found.is_abandoned(line):
            continue  # repeated, as a killed run leaves it, or of a branch
        if until is not None and record["at"] > until:
            found.left[id] = (record["seq"], line["hash"])
        else:
            found.organization.take(line, found.kept.at)
            found.organization.projects[id].live += [line] if live else []
            taken.append({**record, "hash": line["hash"]})
    return taken


def _reached(found: _Found, id: str) -> str:
    """The hash of a project's last execution so far, whether it comes back or not."""
    if id in found.left:
        return found.left[id][1]
    return found.organization.projects[id].hash if found.organization.reached(id) else GENESIS_HASH


def _range(records: list[dict[str, Any]]) -> dict[str, Any]:
    """A member's row in the manifest, from the records that count."""
    first, last = records[0], records[-1]
    versions = [record["version"] for record in records if "version" in record]
    return {
        "project": first["project"],
        "first_seq": first["seq"],
        "last_seq": last["seq"],
        "first_version": versions[0] if versions else None,
        "last_version": versions[-1] if versions else None,
        "first_at": first["at"],
        "last_at": last["at"],
        "head_hash": last["hash"],
    }


def _check_templates(organization: Organization, registries: Mapping[str, Registry]) -> None:
    for project in organization.projects.values():
        if project.status != "purged" and project.template not in registries:
            raise Damaged(
                f"organization {organization.slug}, project {project.slug}:"
                f" its template {project.template!r} isn't installed here."
            )


def _record(
    store: Store, registries: Mapping[str, Registry], found: _Found, until: str | None
) -> None:
    """Let each chain say that it was restored, and to where; requests that waited are closed."""
    for project in found.organization.projects.values():
        if project.status == "purged":
            continue
        target = Target(project.org, project.id, SYSTEM, registries[project.template])
        inputs: dict[str, Json] = {"seq": project.seq, "hash": project.hash, "until": until}
        inputs["abandoned"] = _abandoned(found, project)
        inputs["undecided"] = sorted(project.waiting)
        administer(store, target, [(Intent(RESTORE, inputs), [])], request_of(found.anchors.at))


def _notify(store: Store, source: Buckets, found: _Found) -> None:
    """Put what was recorded beside the anchors: an anchor may go back after that."""
    rows = {
        project.id: row
        for project in found.organization.projects.values()
        for row in store.read(project.org, "recover_rows", **_next(project))
    }
    put_notice(source.anchor, found.organization.id, found.anchors.at, rows)


def _next(project: Project) -> dict[str, Any]:
    seq = project.seq + 1
    return {"project": project.id, "first_seq": seq, "last_seq": seq}


def _abandoned(found: _Found, project: Project) -> list[Json]:
    """What of a project doesn't come back; the organization's own names the lost projects, too."""
    lost = [project.id]
    if project.template == "system":
        known = {*found.anchors.reached, *found.left}
        lost += sorted(id for id in known if not found.organization.reached(id))
    reached = ((id, found.organization.reached(id), found.left.get(id, (0, ""))) for id in lost)
    return [claim for where in reached for claim in found.anchors.abandoned(*where)]


def _summed_up(found: list[_Found]) -> Restored:
    summary = Restored(organizations=len(found))
    for each in found:
        projects: list[Project] = list(each.organization.projects.values())
        summary.projects += len(projects)
        summary.executions += each.executions
        summary.people += len(each.organization.people)
        summary.undecided += sum(len(project.waiting) for project in projects)
    return summary
