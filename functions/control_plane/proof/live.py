"""The executions that are still in the database, as the archive's chains go on in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.proof.anchors import CAME_BACK, Anchors
from control_plane.proof.chain import Chains, Head
from control_plane.proof.finding import Broken
from control_plane.proof.line import Line, check_row

UNRECORDED_PURGE = "By the database it was purged, and no execution says so."


@dataclass(frozen=True, slots=True)
class Stated:
    """Where a project's chain stands, as the database's row of the project says."""

    project: str
    seq: int
    hash: str
    version: int
    archived_seq: int
    purged: bool = False


class LiveCheck:
    """Checks one organization's live rows, sorted by project and seq, on one snapshot.

    Of a purged project the executions up to its purge are gone, but for what is archived; what is
    left of them is checked for itself, the purge last. After a restore that is gone, too: anchors
    know it.
    """

    def __init__(self, chains: Chains, stated: Iterable[Stated], anchors: Anchors) -> None:
        self._chains = chains
        self._stated = {held.project: held for held in stated}
        self._anchors = anchors
        self._last: dict[str, Line] = {}
        self.rows = 0

    def begin(self) -> None:
        """The archive goes exactly as far as the database says; raises `Broken`."""
        for project, held in self._stated.items():
            seq = self._chains.head(project).seq
            if self._anchors.pins.lost(project):
                raise Broken(CAME_BACK, project=project, seq=1)
            if seq != held.archived_seq:
                problem = f"By the database the archive goes up to seq {held.archived_seq}."
                raise Broken(problem, project=project, seq=min(seq, held.archived_seq) + 1)

    def take(self, row: Mapping[str, Any]) -> None:
        """Check the next row; raises `Broken`."""
        try:
            line = check_row(row)
        except Broken as broken:
            raise broken.within(project=row["project"], seq=row["seq"]) from None
        held = self._stated.get(line.project)
        if held is None or line.org != self._anchors.org:
            where = {"project": line.project, "seq": line.seq}
            raise Broken("It belongs to no project of this organization.", **where)
        if held.purged:
            self._skip_to(line)
        self._chains.add(line)
        self._last[line.project] = line
        self.rows += 1

    def _skip_to(self, line: Line) -> None:
        """Pass over what a purge has removed."""
        head = self._chains.head(line.project)
        if line.seq > head.seq + 1:
            before = Head(line.seq - 1, line.prev_hash, head.at, line.base_version, head.pinned)
            self._chains.heads[line.project] = before

    def end(self) -> None:
        """Every chain ends where the database and the anchors say; raises `Broken`."""
        for project, held in self._stated.items():
            head = self._chains.head(project)
            if held.purged and not self._is_recorded(held):
                raise Broken(UNRECORDED_PURGE, project=project, seq=held.seq)
            if self._ended(held):
                continue
            if (head.seq, head.hash, head.version) != (held.seq, held.hash, held.version):
                problem = f"By the database the chain ends at seq {held.seq}, with another head."
                raise Broken(problem, project=project, seq=min(head.seq + 1, held.seq))
            beyond = self._anchors.pins.beyond(project, head.seq)
            if beyond:
                problem = f"It is missing: by the anchor of {beyond[1]} the chain goes up to seq"
                raise Broken(f"{problem} {beyond[0]}.", project=project, seq=head.seq + 1)

    def _is_recorded(self, held: Stated) -> bool:
        """Whether a purge is its chain's last execution; where none is left, anchors know it."""
        last = self._last.get(held.project)
        return last.purges if last else self._ended(held)

    def _ended(self, held: Stated) -> bool:
        """Whether a chain ends with a purge that anchors know, wherever what is left of it ends."""
        known = self._anchors.pins.known(held.project)
        ended = held.purged and held.project in self._anchors.purged
        return ended and known == (held.seq, held.hash)

    def check_left_out(self) -> None:
        """A project that the last anchor knows is in the database; raises `Broken`."""
        for project, (seq, at) in sorted(self._anchors.reached.items()):
            if project not in self._stated:
                problem = f"It is missing: by the anchor of {at} the chain goes up to seq {seq}."
                raise Broken(problem, project=project, seq=1)

    def unpurged(self) -> list[str]:
        """The projects that have a state."""
        return [project for project, held in self._stated.items() if not held.purged]

    def newer(self) -> int:
        """How many executions are newer than the last anchor."""
        reached = self._anchors.reached
        return sum(
            max(0, held.seq - reached.get(project, (0, ""))[0])
            for project, held in self._stated.items()
        )
