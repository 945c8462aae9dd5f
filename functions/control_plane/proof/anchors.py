"""Anchors: where each chain and the archive stood at a moment, each bound to the anchor before."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from control_plane.models import GENESIS_HASH
from control_plane.proof import notice
from control_plane.proof.finding import Broken
from control_plane.proof.fork import Claim, Fork
from control_plane.proof.line import (
    Line,
    is_count,
    is_hash,
    is_id,
    is_moment,
    is_version,
    read_canonical,
)
from control_plane.proof.pins import Pins

PURGED = "It was purged, as an anchor says, and goes on."
CAME_BACK = "It was lost, as an execution says, and is there again."
UNFINISHED = "No anchor follows it: the recovery was not finished. Run `chat-agent recover` again."
NOT_AN_ANCHOR = "This is not an anchor: its members are others, or of other types or order."
OBJECT_KEY = re.compile(
    r"executions/org=([0-9a-f-]{36})/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"/part-([0-9]{4,8})-([0-9a-f]{16})\.jsonl\.gz"
)
_MEMBERS = {"v", "at", "org", "prev_anchor", "projects", "objects"}
_PROJECT = {"project", "seq", "hash", "archived_seq", "archived_hash"}
_OPTIONAL = frozenset({"purged"})
_OBJECT = {"key", "sha256", "rows"}


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as the newest anchor that lists it has it."""

    sha256: str
    rows: int
    at: str
    number: int


@dataclass
class Anchors:
    """What all anchors of one organization say together; give them to `add` in order of time.

    The notices of forks come among them, each after the anchor that it names. `reached` and
    `archived` have the seq at which each project's chain and its archive stood by the last one,
    with its moment; `purged` the projects whose chains ended so. `open` is the key of a notice
    that no anchor has come after.
    """

    org: str
    count: int = 0
    at: str = ""
    digest: str = GENESIS_HASH
    pins: Pins = field(default_factory=Pins)
    reached: dict[str, tuple[int, str]] = field(default_factory=dict)
    archived: dict[str, tuple[int, str]] = field(default_factory=dict)
    objects: dict[str, Listed] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    open: str | None = None

    def add_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Take anchors and notices by key and exact bytes, all in order; raises `Broken`."""
        for key, body in files:
            self.add(key, body)
        if self.open:
            raise Broken(UNFINISHED, object=self.open)

    def add(self, key: str, body: bytes) -> None:
        """Take the exact bytes of the next anchor, or of a notice; raises `Broken`."""
        try:
            if notice.KEY.fullmatch(key):
                self._fork(key, body)
                return
            self._add(key, read_canonical(body))
        except Broken as broken:
            raise broken.within(object=key) from None
        self.digest = hashlib.sha256(body).hexdigest()

    def _fork(self, key: str, body: bytes) -> None:
        """What a notice says was abandoned; raises `Broken`."""
        found = notice.KEY.fullmatch(key)
        if not self.count or found is None or found[2] != self.at:
            raise Broken("It is of a fork after an anchor that is not here.")
        for line in notice.read_notice(self.org, self.at, body):
            self._go_on_from(line)
        # what was archived is in the database again: the next anchor may list fewer objects
        self.archived = {project: (0, self.at) for project in self.reached}
        self.open = key

    def _go_on_from(self, line: Line) -> None:
        """The execution that says what was abandoned is its chain's last now."""
        for claim in line.claims or ():
            wrong = self.pins.abandon(_fork(claim, line))
            if wrong:
                raise Broken(wrong, project=claim.project, seq=claim.first_seq)
            self.reached.pop(claim.project, None)
            self.purged.discard(claim.project)
        if line.seq <= self.reached.get(line.project, (0, ""))[0]:
            raise Broken("It says that a chain went back.", project=line.project, seq=line.seq)
        self.pin(line.project, line.seq, line.hash)
        self.pins.stands(line.project, line.seq, line.hash)
        self.pins.records.add(line.hash)
        self.reached[line.project] = (line.seq, self.at)

    def _add(self, key: str, anchor: Any) -> None:
        if not _is_anchor(anchor):
            raise Broken(NOT_AN_ANCHOR)
        if key != f"anchors/org={anchor['org']}/{anchor['at']}.json" or anchor["org"] != self.org:
            raise Broken("Its name is not of the moment and the organization that it says.")
        if anchor["prev_anchor"] != self.digest:
            before = f"that of {self.at}" if self.count else "none"
            raise Broken(
                f"It follows another anchor than the one before it here, {before}:"
                " one is missing, was altered, or stands in another's place."
            )
        self.count, self.at, self.open = self.count + 1, anchor["at"], None
        for project in anchor["projects"]:
            self._add_project(project)
        for listed in anchor["objects"]:
            self._add_object(listed)
        self._check_whole(anchor)

    def _check_whole(self, anchor: dict[str, Any]) -> None:
        """Every project that there was is there, and each archived execution in one object."""
        names = {held["project"] for held in anchor["projects"]}
        lost = next((project for project in sorted(self.reached) if project not in names), None)
        if lost:
            raise Broken("It leaves a project out that an anchor before it has.", project=lost)
        archived = sum(held["archived_seq"] for held in anchor["projects"])
        rows = sum(held["rows"] for held in anchor["objects"])
        if rows != archived:
            raise Broken(f"Its objects hold {rows} executions, its projects' archives {archived}.")

    def _add_project(self, held: dict[str, Any]) -> None:
        id, seq, archived = held["project"], held["seq"], held["archived_seq"]
        before, archived_before = self.reached.get(id, (0, "")), self.archived.get(id, (0, ""))
        if seq < before[0] or archived < archived_before[0] or archived > seq:
            raise Broken("It says that a chain went back.", project=id, seq=seq)
        if seq > archived and held["hash"] == held["archived_hash"]:
            raise Broken("It says that two executions have one hash.", project=id, seq=seq)
        if self.pins.lost(id):
            raise Broken(CAME_BACK, project=id, seq=seq)
        if id in self.purged and (seq != before[0] or "purged" not in held):
            raise Broken(PURGED, project=id, seq=seq)
        self.purged |= {id} if "purged" in held else set()
        self.reached[id], self.archived[id] = (seq, self.at), (archived, self.at)
        self.pins.stands(id, seq, held["hash"])
        self.pin(id, seq, held["hash"])
        self.pin(id, archived, held["archived_hash"])

    def pin(self, project: str, seq: int, hash: str) -> None:
        """Hold an execution's hash; raises `Broken` where an anchor holds another."""
        if seq == 0 and hash != GENESIS_HASH:
            raise Broken("It says that a chain has a hash before its first.", project=project)
        other = self.pins.hold(project, seq, hash, self.at) if seq else None
        if other:
            problem = f"It holds another hash than the anchor of {other.at}."
            raise Broken(problem, project=project, seq=seq)

    def _add_object(self, held: dict[str, Any]) -> None:
        key, before = held["key"], self.objects.get(held["key"])
        found = OBJECT_KEY.fullmatch(key)
        if not found or found[1] != self.org or found[4] != held["sha256"][:16]:
            raise Broken(f"It lists {key}, which is not such an object's name.")
        if before and (before.sha256, before.rows) != (held["sha256"], held["rows"]):
            raise Broken(f"It lists {key} otherwise than the anchor of {before.at}.")
        self.objects[key] = Listed(held["sha256"], held["rows"], self.at, self.count)

    def abandoned(
        self, project: str, seq: int, left: tuple[int, str] = (0, "")
    ) -> list[dict[str, Any]]:
        """What is abandoned where a project goes on after a seq, as an execution says it.

        `left` is the last execution that objects hold of it, where anchors don't know it yet.
        """
        last = max(self.pins.known(project), left)
        return [asdict(Claim(project, seq + 1, *last, self.at))] if last[0] > seq else []

    def kept(self, keys: Iterable[str]) -> list[str]:
        """Those of an archive's keys that hold chains, in order: not the ones no more listed."""
        found = (key for key in keys if key not in self.objects or self.in_last(key))
        return sorted(found, key=lambda key: (not self.in_last(key), key))

    def in_last(self, key: str) -> bool:
        """Whether the last anchor lists an object."""
        return key in self.objects and self.objects[key].number == self.count


def _fork(claim: Claim, line: Line) -> Fork:
    own = claim.project == line.project
    where = (line.prev_hash, line.base_version) if own else (GENESIS_HASH, 0)
    return Fork(claim, *where, lost=not own)


def _is_anchor(anchor: Any) -> bool:
    return (
        isinstance(anchor, dict)
        and set(anchor) == _MEMBERS
        and is_version(anchor["v"])
        and is_moment(anchor["at"])
        and is_id(anchor["org"])
        and is_hash(anchor["prev_anchor"])
        and _is_sorted(anchor["projects"], _PROJECT, "project", _OPTIONAL)
        and all(map(_is_project, anchor["projects"]))
        and _is_sorted(anchor["objects"], _OBJECT, "key")
        and all(map(_is_object, anchor["objects"]))
    )


def _is_sorted(
    items: Any, members: set[str], name: str, optional: frozenset[str] = frozenset()
) -> bool:
    if not isinstance(items, list):
        return False
    if not all(isinstance(item, dict) and set(item) - optional == members for item in items):
        return False
    names = [item[name] for item in items]
    return all(isinstance(n, str) and n.isascii() for n in names) and names == sorted(set(names))


def _is_project(held: dict[str, Any]) -> bool:
    return (
        is_id(held["project"])
        and is_count(held["seq"])
        and is_hash(held["hash"])
        and is_count(held["archived_seq"])
        and is_hash(held["archived_hash"])
        and held.get("purged", True) is True
    )


def _is_object(held: dict[str, Any]) -> bool:
    return is_hash(held["sha256"]) and is_count(held["rows"], least=1)
