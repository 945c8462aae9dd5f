"""What the archive holds beside the chains: executions of branches that were abandoned."""

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.proof.chain import Head, unlinked
from control_plane.proof.finding import Broken
from control_plane.proof.fork import Fork
from control_plane.proof.line import Line
from control_plane.proof.pins import Pins

ALIEN = "Its seq has been before."


@dataclass(slots=True)
class Branch:
    """Consecutive executions that are no part of their project's chain, and where they begin."""

    first: Line
    place: tuple[str, int]
    head: Head

    def is_of(self, fork: Fork) -> bool:
        """Whether a recorded fork has abandoned all of it."""
        claim, first, head = fork.claim, self.first, self.head
        begins = (claim.project, claim.first_seq, fork.hash, fork.version)
        return begins == (first.project, first.seq, first.prev_hash, first.base_version) and (
            head.seq < claim.last_seq or (head.seq, head.hash) == (claim.last_seq, claim.hash)
        )


class Branches:
    """Follows branches, each execution linked to the one before or the first of another branch."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._found: dict[str, list[Branch]] = {}
        self._hashes: set[bytes] = set()

    def has(self, line: Line) -> bool:
        """Whether exactly this execution has been."""
        return bytes.fromhex(line.hash) in self._hashes

    def add(self, line: Line, key: str, number: int) -> None:
        """Take an execution that an object has at a line; raises `Broken`."""
        self._hashes.add(bytes.fromhex(line.hash))
        found = self._found.setdefault(line.project, [])
        branch = next((each for each in found if each.head.hash == line.prev_hash), None)
        wrong = unlinked(branch.head, line) if branch else None
        pin = self._pins.against_left(line.project, line.seq, line.hash)
        if pin:
            wrong = f"It was abandoned, and its hash is not the one in the anchor of {pin.at}."
        if wrong:
            raise Broken(wrong, project=line.project, seq=line.seq)
        if branch is None:
            branch = Branch(line, (key, number), Head(version=line.base_version))
            found.append(branch)
        branch.head.move(line)

    def go_on_with(self, line: Line) -> bool:
        """Whether an execution is a branch's next."""
        return any(each.head.hash == line.prev_hash for each in self._found.get(line.project, []))

    def unrecorded(self) -> Iterator[Branch]:
        """The branches that no execution says were abandoned."""
        for project in sorted(self._found):
            for branch in self._found[project]:
                if not any(map(branch.is_of, self._pins.forks)):
                    yield branch

    def ends_with(self, fork: Fork) -> bool:
        """Whether a branch goes as far as a fork says."""
        claim = fork.claim
        ends = ((each.head.seq, each.head.hash) for each in self._found.get(claim.project, []))
        return (claim.last_seq, claim.hash) in ends
