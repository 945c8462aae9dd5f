"""The recovery: hold messages, adopt what is archived, record what is abandoned, anchor.

Each step can be repeated, and what was done isn't done again. While an organization is behind its
anchors nothing else archives or anchors it, so whatever was done before a kill is still there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from control_plane.administration import SYSTEM_SLUG, administer
from control_plane.archive.anchors import anchor, unknown
from control_plane.archive.database import Connection, fetch, turn
from control_plane.archive.notices import put_notice
from control_plane.archive.outcome import Incomplete
from control_plane.errors import ControlPlaneError
from control_plane.models import SYSTEM, Intent, Json
from control_plane.proof.anchors import Anchors
from control_plane.proof.finding import Broken
from control_plane.proof.notice import request_of
from control_plane.recovery.adopt import Adopted, Diverged, adopt
from control_plane.recovery.erased import following, retake
from control_plane.recovery.outbox import hold
from control_plane.registry import Registry
from control_plane.restore.source import Buckets
from control_plane.store import Store
from control_plane.store.login import connect
from control_plane.target import Target

RECOVER = "project.recover"


class _Unfit(Exception):
    """Why an organization can't be recovered as it is."""


@dataclass(frozen=True)
class Logins:
    """The database by its three logins: executions, the archive, and holding messages."""

    app: str
    archiver: str
    owner: str


@dataclass
class Recovered:
    """What was done for one organization; `abandoned` as executions say it, with a `slug`."""

    slug: str
    adopted: Adopted
    abandoned: list[dict[str, Json]] = field(default_factory=list)


@dataclass
class Recovery:
    """What was done for all, and how many messages are held.

    `unknown` are the ids of organizations that have anchors and aren't in the database.
    """

    held: int
    unknown: list[str]
    organizations: list[Recovered] = field(default_factory=list)


class NotRecoverable(Exception):
    """The message says of which organizations, and why: nothing was recorded or anchored of them.

    Messages are held. `done` is what was done for all others.
    """

    def __init__(self, reasons: Iterable[str], done: Recovery) -> None:
        self.done = done
        super().__init__("\n".join(reasons))


def recover(logins: Logins, source: Buckets, registries: Mapping[str, Registry]) -> Recovery:
    """Bring a database that was set back and its archive and anchors together again.

    Raises `NotRecoverable`, after all other organizations, for anchors that aren't whole or can't
    be put, an archive that can't be read, or a database that has gone on too far or is being
    written to; `Overtaken` while an archive run is at work.
    """
    held, anchored = hold(logins.owner), source.organizations()
    unfit: dict[str, str] = {}
    with turn(logins.archiver) as connection:
        rows = fetch(connection, "verify_organizations", slug=None)
        recovery = Recovery(held, sorted({*anchored} - {row["org"] for row in rows}))
        store = Store(logins.app)
        for row in rows:
            organization = _Organization(connection, source, registries, **row)
            try:
                organization.check()
                with connect(logins.owner, autocommit=True) as owner:
                    recovery.organizations.append(organization.recover(store, owner))
            except (_Unfit, Diverged, Broken, ControlPlaneError) as error:
                unfit[row["org"]] = f"Organization {row['slug']}: {_sentence(error)}"
    reasons = [*unfit.values()]
    fit = {row["org"] for row in rows} - unfit.keys()
    try:
        anchor(logins.archiver, source.anchor, follow=True, orgs=fit)
    except Incomplete as incomplete:
        reasons += map(str, incomplete.reasons)
    if reasons:
        raise NotRecoverable(reasons, recovery)
    return recovery


def _sentence(error: Exception) -> str:
    return str(error.finding if isinstance(error, Broken) else error)


class _Organization:
    """One organization in its database, its archive and its anchors."""

    def __init__(
        self,
        connection: Connection,
        source: Buckets,
        registries: Mapping[str, Registry],
        org: str,
        slug: str,
    ) -> None:
        self._connection, self._source, self._registries = connection, source, registries
        self._org, self._slug = org, slug
        [head] = fetch(connection, "anchor_heads", org=org)
        self._behind = unknown(connection, source.anchor, head) is not None
        self._anchors = Anchors(org)
        self._recorded: dict[str, dict[str, Any]] = {}

    def check(self) -> None:
        """Read the anchors, and look whether the database can go on after them."""
        keys = self._source.anchors(self._org)
        try:
            self._anchors.add_all((key, self._source.read(key)) for key in keys)
        except Broken as broken:
            raise _Unfit(f"The anchors aren't whole: {broken.finding}") from broken
        self._recorded = self._records()
        for row in self._projects():
            if row["template"] not in self._registries:
                raise _Unfit(f"The template {row['template']!r} isn't installed here.")
            if row["project"] not in self._recorded:
                self._check_prefix(row)

    def _records(self) -> dict[str, dict[str, Any]]:
        """The executions that record this recovery already, by project."""
        named = {"org": self._org, "request": request_of(self._anchors.at)}
        found = fetch(self._connection, "recover_recorded", **named)
        return {row["project"]: row for row in found}

    def _projects(self) -> list[dict[str, Any]]:
        return fetch(self._connection, "recover_projects", org=self._org)

    def _check_prefix(self, row: Mapping[str, Any]) -> None:
        """What anchors know is what the database has, or comes after that; it isn't beside it."""
        project, pins = row["project"], self._anchors.pins
        held = pins.up_to(project, row["seq"])
        found = fetch(self._connection, "recover_hashes", project=project, seqs=[*held])
        other = [each["seq"] for each in found if each["hash"] != held[each["seq"]]]
        if other or pins.lost(project):
            raise Diverged(project, min(other, default=1))

    def recover(self, store: Store, owner: psycopg.Connection[Any]) -> Recovered:
        """Adopt and record; what is recorded already isn't again."""
        follow = following(owner, self._source, self._org)
        where = (self._connection, self._source, self._org, self._anchors, follow)
        retake(*where)
        adopted = adopt(*where, self._recorded)
        recovered = Recovered(self._slug, adopted)
        projects = self._projects()
        if not self._behind:  # of a project that isn't here, it was recorded or is another's to say
            there = {row["project"] for row in projects}
            adopted.ahead = {id: head for id, head in adopted.ahead.items() if id in there}
        if not (self._anchors.count and (self._behind or adopted.ahead)):
            return recovered
        for row in projects:
            claims = list(self._claims(row, projects, adopted))
            if row["project"] not in self._recorded and (claims or row["slug"] == SYSTEM_SLUG):
                self._record(store, row, claims)
                recovered.abandoned += [{**claim, "slug": row["slug"]} for claim in claims]
        put_notice(self._source.anchor, self._org, self._anchors.at, self._records())
        return recovered

    def _claims(
        self, row: Mapping[str, Any], projects: list[dict[str, Any]], adopted: Adopted
    ) -> Iterator[dict[str, Json]]:
        """What of a project is abandoned; the organization's own names lost projects, too."""
        ahead = adopted.ahead
        if row["status"] != "purged":
            where = (row["project"], row["seq"], ahead.get(row["project"], (0, "")))
            yield from self._anchors.abandoned(*where)
        if row["slug"] == SYSTEM_SLUG:
            there = {each["project"] for each in projects}
            for lost in sorted({*self._anchors.reached, *ahead} - there):
                yield from self._anchors.abandoned(lost, 0, ahead.get(lost, (0, "")))

    def _record(self, store: Store, row: Mapping[str, Any], claims: list[dict[str, Json]]) -> None:
        registry = self._registries[row["template"]]
        target = Target(self._org, row["project"], SYSTEM, registry)
        inputs: dict[str, Json] = {"seq": row["seq"], "hash": row["hash"], "abandoned": [*claims]}
        request = request_of(self._anchors.at)
        administer(store, target, [(Intent(RECOVER, inputs), [])], request, after=row["seq"])
