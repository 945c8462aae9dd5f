"""What the archive holds beside the chains: executions of branches that were abandoned."""

from control_plane.proof.chain import Head, unlinked
from control_plane.proof.finding import Broken
from control_plane.proof.fork import Fork
from control_plane.proof.line import Line
from control_plane.proof.pins import ALIEN, Pins


class Branches:
    """Follows branches, each execution linked to the one before or to where a fork's began.

    With `gaps`, also to one that is gone: objects that anchors listed may be deleted when they hold
    what was abandoned, and what is left of a branch is bound by its objects' hashes.
    """

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._ends: dict[str, Head] = {}

    def has(self, line: Line) -> bool:
        """Whether exactly this execution has been."""
        return line.hash in self._ends

    def leads_to(self, line: Line) -> bool:
        """Whether an execution is the next or the first one of a branch."""
        return line.prev_hash in self._ends or self._start(line) is not None

    def add(self, line: Line, *, gaps: bool) -> None:
        """Take an execution; raises `Broken` unless a recorded fork has abandoned it."""
        before = self._ends.get(line.prev_hash) or self._start(line)
        if gaps and before is None:
            before = Head(line.seq - 1, line.prev_hash, version=line.base_version)
        wrong = self._pins.unabandoned(line) or (unlinked(before, line) if before else ALIEN)
        if wrong or before is None:
            raise Broken(wrong or ALIEN, project=line.project, seq=line.seq)
        version = before.version if line.version is None else line.version
        self._ends[line.hash] = Head(line.seq, line.hash, line.at, version)

    def ends_with(self, fork: Fork) -> bool:
        """Whether a branch goes as far as a fork says."""
        end = self._ends.get(fork.claim.hash)
        return end is not None and end.seq == fork.claim.last_seq

    def _start(self, line: Line) -> Head | None:
        """What a branch that begins with an execution has left, by a fork."""
        if self._pins.has(line.project, line.seq, line.hash):
            return None
        for fork in self._pins.forks:
            begins = (fork.claim.project, fork.claim.first_seq, fork.hash)
            if begins == (line.project, line.seq, line.prev_hash):
                return Head(line.seq - 1, fork.hash, version=fork.version)
        return None
