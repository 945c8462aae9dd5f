"""The chains of an organization's projects: each execution linked to the one before."""

from dataclasses import dataclass

from control_plane.canonical import sha256
from control_plane.models import GENESIS_HASH
from control_plane.proof.finding import Broken
from control_plane.proof.line import Line
from control_plane.proof.pins import Pins

NO_STATE = sha256("{}")
UNRECORDED = "It says what was abandoned, and no notice beside the anchors does."


@dataclass(slots=True)
class Head:
    """The last execution of a chain so far; `pinned` is the last that an anchor agreed with.

    `state_hash` is that of the state which the last success left, and `succeeded` its seq.
    """

    seq: int = 0
    hash: str = GENESIS_HASH
    at: str = ""
    version: int = 0
    pinned: int = 0
    state_hash: str | None = NO_STATE
    succeeded: int | None = None

    def move(self, line: Line) -> None:
        """This execution is the last now."""
        self.seq, self.hash, self.at = line.seq, line.hash, line.at
        if line.version is not None:
            self.version, self.state_hash, self.succeeded = line.version, line.state_hash, line.seq


class Chains:
    """Follows each project's chain from its first execution, and holds it against pins, if any."""

    def __init__(self, pins: Pins | None = None) -> None:
        self._pins = pins
        self.heads: dict[str, Head] = {}

    def head(self, project: str) -> Head:
        """Where a project's chain stands."""
        return self.heads.setdefault(project, Head())

    def add(self, line: Line) -> None:
        """Take the next execution of its project; raises `Broken` unless it is that."""
        head = self.head(line.project)
        if line.seq > head.seq + 1:
            problem = f"It is missing: after seq {head.seq} the next one here is seq {line.seq}."
            raise Broken(problem, project=line.project, seq=head.seq + 1)
        wrong = unlinked(head, line) or self._unpinned(head, line) or self._forked(line)
        if wrong:
            raise Broken(wrong, project=line.project, seq=line.seq)
        head.move(line)

    def _forked(self, line: Line) -> str | None:
        """Why an execution may not say what was abandoned: no notice says so."""
        unrecorded = self._pins is not None and line.hash not in self._pins.records
        return UNRECORDED if line.claims and unrecorded else None

    def _unpinned(self, head: Head, line: Line) -> str | None:
        """What an anchor says against an execution, if one holds its hash."""
        if self._pins is None:
            return None
        pin = self._pins.against(line.project, line.seq, line.hash)
        if pin:
            since = head.pinned + 1
            made = "it" if since == line.seq else f"it, or one from seq {since} on,"
            return f"Its hash is not the one in the anchor of {pin.at}: {made} was made anew."
        if self._pins.has(line.project, line.seq, line.hash):
            head.pinned = line.seq
        return None


def unlinked(head: Head, line: Line) -> str | None:
    """Why an execution can't follow a head; None where it can."""
    if line.seq <= head.seq:
        same = line.seq == head.seq and line.hash == head.hash
        return "It is there twice." if same else "Its seq has been before."
    if line.prev_hash != head.hash:
        return f"Its prev_hash is not the hash of seq {head.seq}: they are of different chains."
    if line.at < head.at:
        return f"Its moment lies before that of seq {head.seq}."
    if line.base_version != head.version:
        return f"Its base_version is {line.base_version}, and the one before left {head.version}."
    if line.version not in (None, head.version + 1):
        return f"Its version is {line.version}, and the one before left {head.version}."
    return None
