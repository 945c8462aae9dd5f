"""What anchors say of chains, and what recorded forks have put out of force of it."""

from dataclasses import dataclass

from control_plane.models import GENESIS_HASH
from control_plane.proof.fork import Claim, Fork


@dataclass(slots=True)
class Pin:
    """The hash of an execution; the moment of the first anchor with it, the number of the last."""

    hash: str
    at: str
    number: int


type _Held = dict[str, dict[int, list[Pin]]]


class Pins:
    """The hashes that anchors hold, by project and seq; anchors come in order of time.

    A fork puts what the anchors before it say, from its seq on, out of force: that is `left` then,
    and holds for what was abandoned.
    """

    def __init__(self) -> None:
        self.forks: list[Fork] = []
        self._in_force: _Held = {}
        self._left: _Held = {}
        self._heads: dict[str, list[tuple[int, int, str]]] = {}
        self._numbers: dict[str, int] = {}

    def begin(self, at: str) -> None:
        """The next anchor is of this moment."""
        self._numbers[at] = len(self._numbers) + 1

    def stands(self, project: str, seq: int, hash: str) -> None:
        """By the anchor that was begun, a chain ends so."""
        heads = self._heads.setdefault(project, [])
        if not heads or heads[-1][1:] != (seq, hash):
            heads.append((len(self._numbers), seq, hash))

    def hold(self, project: str, seq: int, hash: str, at: str) -> None:
        """The anchor that was begun holds an execution's hash."""
        pins = self._in_force.setdefault(project, {}).setdefault(seq, [])
        same = next((pin for pin in pins if pin.hash == hash), None)
        if same is None:
            pins.append(Pin(hash, at, len(self._numbers)))
        else:
            same.number = len(self._numbers)

    def against(self, project: str, seq: int, hash: str) -> Pin | None:
        """An anchor's word against an execution of a chain that is in force."""
        return _other(self._in_force, project, seq, hash)

    def against_left(self, project: str, seq: int, hash: str) -> Pin | None:
        """An anchor's word against an execution that was abandoned."""
        pins = self._left.get(project, {}).get(seq, [])
        return None if any(pin.hash == hash for pin in pins) else next(iter(pins), None)

    def has(self, project: str, seq: int) -> bool:
        """Whether an anchor has a word on an execution."""
        return bool(self._in_force.get(project, {}).get(seq))

    def beyond(self, project: str, seq: int) -> tuple[int, str] | None:
        """Seq and anchor's moment of the furthest execution after a seq that must be there."""
        pins = self._in_force.get(project, {})
        return max(((n, held[0].at) for n, held in pins.items() if n > seq and held), default=None)

    def lost(self, project: str) -> bool:
        """Whether an execution says that a project was abandoned as a whole."""
        return any(fork.lost and fork.claim.project == project for fork in self.forks)

    def abandon(self, fork: Fork) -> str | None:
        """Take a fork as recorded; what anchors say against it, if they do."""
        claim = fork.claim
        number = self._numbers.get(claim.anchor)
        if number is None:
            return f"It names the anchor of {claim.anchor} for what was abandoned: there is none."
        known = self.known(claim.project, number)
        if not _may_be(claim, known):
            return (
                f"It says that executions up to seq {claim.last_seq} were abandoned:"
                f" the anchor of {claim.anchor} knew up to seq {known[0]}, or other ones."
            )
        self.forks.append(fork)
        self._leave(claim, number)
        return None

    def by_anchor(self, claim: Claim) -> bool:
        """Whether the last abandoned execution is the last that its anchor knew of the project."""
        return self.known(claim.project, self._numbers[claim.anchor])[0] == claim.last_seq

    def known(self, project: str, number: int) -> tuple[int, str]:
        """Where a project's chain stood by an anchor."""
        heads = [head for head in self._heads.get(project, []) if head[0] <= number]
        return heads[-1][1:] if heads else (0, GENESIS_HASH)

    def _leave(self, claim: Claim, number: int) -> None:
        left = self._left.setdefault(claim.project, {})
        for seq, pins in self._in_force.get(claim.project, {}).items():
            if seq >= claim.first_seq:
                left.setdefault(seq, []).extend(pin for pin in pins if pin.number <= number)
                pins[:] = [pin for pin in pins if pin.number > number]


def _may_be(claim: Claim, known: tuple[int, str]) -> bool:
    """Whether an anchor's word on a chain's end allows for a claim: it may know less, not other."""
    return claim.last_seq > known[0] or known == (claim.last_seq, claim.hash)


def _other(held: _Held, project: str, seq: int, hash: str) -> Pin | None:
    pins = held.get(project, {}).get(seq, [])
    return next((pin for pin in pins if pin.hash != hash), None)
