"""One object of the archive while it is read: its lines' order, and where a fault in it is."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from control_plane.proof import gunzip
from control_plane.proof.finding import Broken
from control_plane.proof.line import Line

type Chunks = Iterable[bytes]

ANOTHERS = "It belongs to another organization than its object."
ANOTHER_DAY = "It is not of its object's day."
UNSORTED = "It is out of order: an object holds projects by id, each by seq."


@dataclass
class Reading:
    """One object while it is read."""

    org: str
    day: str
    rows: int = 0
    project: str = ""
    seq: int = 0

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def hashed(self, chunks: Chunks) -> Iterator[bytes]:
        """The same chunks, hashed as they pass."""
        for chunk in chunks:
            self.digest.update(chunk)
            yield chunk

    def take(self, line: Line) -> None:
        """Take the next line; raises `Broken` where it can't stand here."""
        sorted_ = (self.project, self.seq) < (line.project, line.seq)
        problem = (
            (line.org != self.org and ANOTHERS)
            or (line.at[:10] != self.day and ANOTHER_DAY)
            or (not sorted_ and UNSORTED)
        )
        if problem:
            raise Broken(problem, project=line.project, seq=line.seq)
        self.project, self.seq = line.project, line.seq

    def next_place(self, broken: Broken) -> dict[str, object]:
        """Where a fault is that doesn't say itself: at the line after the last good one."""
        cut = broken.finding.problem in (gunzip.DAMAGED, gunzip.UNENDED)
        place: dict[str, object] = {"line": self.rows + cut or None}
        if self.project and broken.finding.project is None:
            place |= {"project": self.project, "seq": self.seq + 1}
        return place
