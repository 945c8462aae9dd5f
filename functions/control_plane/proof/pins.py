"""What anchors say of chains, and what recorded forks have put out of force of it."""

from copy import replace
from dataclasses import dataclass

from control_plane.models import GENESIS_HASH
from control_plane.proof.fork import Claim, Fork
from control_plane.proof.line import Line

ALIEN = "Its seq has been before."


@dataclass(frozen=True, slots=True)
class Pin:
    """The hash of an execution, and the moment of the first anchor with it."""

    hash: str
    at: str


class Pins:
    """The hashes that anchors hold, by project and seq; anchors come in order of time.

    A fork puts what the anchors before it say, from its seq on, out of force: that is `left` then,
    and holds for what was abandoned.
    """

    def __init__(self) -> None:
        self.forks: list[Fork] = []
        self.records: set[str] = set()
        self._in_force: dict[str, dict[int, Pin]] = {}
        self._left: list[tuple[Fork, dict[int, Pin]]] = []
        self._heads: dict[str, tuple[int, str]] = {}

    def stands(self, project: str, seq: int, hash: str) -> None:
        """By the last anchor, a chain ends so."""
        self._heads[project] = (seq, hash)

    def hold(self, project: str, seq: int, hash: str, at: str) -> Pin | None:
        """An anchor holds an execution's hash; the one before it that holds another."""
        pin = self._in_force.setdefault(project, {}).setdefault(seq, Pin(hash, at))
        return None if pin.hash == hash else pin

    def against(self, project: str, seq: int, hash: str) -> Pin | None:
        """An anchor's word against an execution of a chain that is in force."""
        pin = self._in_force.get(project, {}).get(seq)
        return pin if pin and pin.hash != hash else None

    def unabandoned(self, line: Line) -> str | None:
        """Why an execution can't be one that a fork has abandoned; None where it can."""
        wrong = ALIEN
        for fork, left in self._left:
            if fork.covers(line.project, line.seq, line.hash):
                pin = left.get(line.seq)
                if pin is None or pin.hash == line.hash:
                    return None
                wrong = f"It was abandoned, and its hash is not the one in the anchor of {pin.at}."
        return wrong

    def has(self, project: str, seq: int, hash: str) -> bool:
        """Whether an anchor holds this execution."""
        pin = self._in_force.get(project, {}).get(seq)
        return pin is not None and pin.hash == hash

    def up_to(self, project: str, seq: int) -> dict[int, str]:
        """The hashes that anchors hold of a project's executions up to a seq."""
        pins = self._in_force.get(project, {})
        return {n: pin.hash for n, pin in pins.items() if n <= seq}

    def beyond(self, project: str, seq: int) -> tuple[int, str] | None:
        """Seq and anchor's moment of the furthest execution after a seq that must be there."""
        pins = self._in_force.get(project, {})
        return max(((n, pin.at) for n, pin in pins.items() if n > seq), default=None)

    def lost(self, project: str) -> bool:
        """Whether an execution says that a project was abandoned as a whole."""
        return any(fork.lost and fork.claim.project == project for fork in self.forks)

    def known(self, project: str) -> tuple[int, str]:
        """Where a project's chain stood by the last anchor."""
        return self._heads.get(project, (0, GENESIS_HASH))

    def abandon(self, fork: Fork) -> str | None:
        """Take a fork as recorded; what the last anchor says against it, if it does."""
        claim, known = fork.claim, self.known(fork.claim.project)
        if not _may_be(claim, known):
            return (
                f"It says that executions up to seq {claim.last_seq} were abandoned:"
                f" the anchor of {claim.anchor} knew up to seq {known[0]}, or other ones."
            )
        self.forks.append(replace(fork, known=known[0] == claim.last_seq))
        pins = self._in_force.get(claim.project, {})
        gone = [seq for seq in pins if seq >= claim.first_seq]
        self._left.append((fork, {seq: pins.pop(seq) for seq in gone}))
        self._heads.pop(claim.project, None)
        return None


def _may_be(claim: Claim, known: tuple[int, str]) -> bool:
    """Whether an anchor's word on a chain's end allows for a claim: it may know less, not other."""
    return claim.last_seq > known[0] or known == (claim.last_seq, claim.hash)
