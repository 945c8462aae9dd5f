"""One organization, replayed: its projects, and in its own project's chain its people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.archive.reader import row_from
from control_plane.canonical import canonical
from control_plane.registry import builtin
from control_plane.restore.project import Damaged, Project, Record

SYSTEM = "system"
CREATE = "organization.create"


def _nothing(_record: Any) -> None:
    """No state is kept."""


@dataclass
class Person:
    """Somebody as the chain knows them: passwords and tokens are in no record."""

    id: str
    username: str
    admin: bool
    attributes: str
    created_at: str
    disabled_at: str | None = None


@dataclass
class Organization:
    """An organization as of the last archived executions of its projects."""

    id: str
    slug: str = ""
    title: str = ""
    paused: bool = False
    default_policy: str = "{}"
    people: dict[str, Person] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)

    def take(
        self, line: Mapping[str, Any], kept: Callable[[Any], Mapping[str, Any] | None] = _nothing
    ) -> None:
        """The next archived line, of any of the projects. Raises `Damaged`.

        `kept` answers the state after a success, where an erasure has kept it.
        """
        record, payload = line["record"], line["payload"]
        project = self.projects.setdefault(record["project"], Project(self.id, record["project"]))
        if record["action"] == CREATE and record["status"] == "success":
            project.slug, project.title, project.template = SYSTEM, "System", SYSTEM
        succeeded = record["status"] == "success"
        project.take(row_from(line), record, payload, kept(record) if succeeded else None)
        if succeeded and project.template == SYSTEM:
            self._administer(record, payload["inputs"])

    def _administer(self, record: Record, inputs: Mapping[str, Any]) -> None:
        does = _DOES.get(record["action"])
        if does:
            does(self, inputs, record["at"])

    def named(self, inputs: Mapping[str, Any], _at: str) -> None:
        """`organization.create`."""
        self.slug, self.title = inputs["slug"], inputs["slug"].capitalize()

    def join(self, inputs: Mapping[str, Any], at: str) -> None:
        """`user.create`."""
        attributes = canonical(inputs.get("attributes", {}))
        admin = bool(inputs.get("admin"))
        person = Person(inputs["user"], inputs["username"], admin, attributes, at)
        self.people[person.id] = person

    def change(self, inputs: Mapping[str, Any], at: str) -> None:
        """`user.update`."""
        person = self.people[inputs["user"]]
        if inputs.get("attributes") is not None:
            person.attributes = canonical(inputs["attributes"])
        if inputs.get("disabled") is not None:
            person.disabled_at = (person.disabled_at or at) if inputs["disabled"] else None

    def reached(self, project: str) -> int:
        """The seq of a project's last execution so far; 0 before its first."""
        return self.projects[project].seq if project in self.projects else 0

    def bury(self, id: str, seq: int, hash: str, at: str) -> None:
        """Leave of a purged project its tombstone alone, as an anchor knows it.

        The archive may still hold what the purge took: the next run follows it once more.
        """
        held = self.projects[id]
        version = held.version + 1
        purge = {
            "seq": seq,
            "at": at,
            "first_seq": 1,
            "last_seq": seq - 1,
            "first_version": 0,
            "last_version": version,
        }
        self.projects[id] = Project(
            self.id, id, held.slug, held.title, held.template, "purged",
            seq=seq, version=version, hash=hash, at=at, archived=held.archived_seq,
            erasures=[purge],
        )  # fmt: skip

    def check_whole(self) -> None:
        """Raise `Damaged` unless the organization's own chain made it, and each state is known."""
        if not self.slug:
            raise Damaged("the execution that made it isn't archived.")
        for project in self.projects.values():
            project.check_known()


def _paused(paused: bool) -> "Does":
    def does(organization: Organization, _inputs: Mapping[str, Any], _at: str) -> None:
        organization.paused = paused

    return does


def _default_policy(organization: Organization, inputs: Mapping[str, Any], _at: str) -> None:
    organization.default_policy = canonical(inputs["document"])


type Does = Callable[[Organization, Mapping[str, Any], str], None]

_DOES: Mapping[str, Does] = {
    CREATE: Organization.named,
    builtin.CREATE_USER: Organization.join,
    builtin.UPDATE_USER: Organization.change,
    builtin.PAUSE_ALL: _paused(True),
    builtin.RESUME_ALL: _paused(False),
    builtin.SET_DEFAULT_POLICY: _default_policy,
}
