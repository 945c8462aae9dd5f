"""One organization's archive: its objects in order, each line, each chain, and what anchors hold.

Objects come by day and part number, those that the last anchor lists first. One that it doesn't
list may repeat executions, exactly: a killed run left it, or an erasure wrote it anew. Or it holds
what was abandoned when the database was set back, as an execution must say. Nothing else may.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from control_plane.proof import gunzip
from control_plane.proof.anchors import OBJECT_KEY, Anchors
from control_plane.proof.branches import Branches
from control_plane.proof.chain import Chains, Head
from control_plane.proof.finding import Broken
from control_plane.proof.line import Line, read_line
from control_plane.proof.reading import Chunks, Reading
from control_plane.proof.seen import Seen

type Open = Callable[[str], Chunks]


@dataclass
class Counts:
    """What was looked at."""

    objects: int = 0
    executions: int = 0
    erased: int = 0
    spare: list[str] = field(default_factory=list)


class ArchiveCheck:
    """Checks objects one after the other; `run` raises `Broken` at the first fault.

    With `only`, other projects' lines are checked alone, and their chains are left out. `manifest`
    has SHA-256 and rows of the objects as a database lists them, where there is one, and
    `rewritten` the keys of those that erasures under way have written anew: the last anchor may
    still list the object that was in such a one's place.
    """

    def __init__(
        self,
        anchors: Anchors,
        only: str | None = None,
        manifest: Mapping[str, tuple[str, int]] = MappingProxyType({}),
        rewritten: Iterable[str] = (),
    ) -> None:
        self._anchors = anchors
        self._only = only
        self._manifest = manifest
        self._replaced = set(map(_part, rewritten))
        self.chains = Chains(anchors.pins)
        self._missing: list[str] = []
        self._branches = Branches(anchors.pins)
        self._seen: dict[str, Seen] = {}
        self._digests: dict[str, str] = {}
        self.counts = Counts()

    def run(self, there: Iterable[str], read: Open) -> None:
        """Check the objects with these keys, each read as chunks of its bytes."""
        held = set(there)
        for key in sorted(held):
            found = OBJECT_KEY.fullmatch(key)
            if not found or found[1] != self._anchors.org:
                raise Broken("This is no name of an object of this archive.", object=key)
        if held and not self._anchors.count:
            raise Broken(
                "There is no anchor here: without one, an archive that was made anew"
                " from its first line on would look the same."
            )
        listed = {key for key in self._anchors.objects if self._anchors.in_last(key)}
        listed = listed if self._only is None else set()
        listed = {key for key in listed if key in held or _part(key) not in self._replaced}
        self._seen = {_day(key): Seen() for key in held if not self._anchors.in_last(key)}
        for key in sorted(held | listed, key=self._place):
            if key in held:
                self._object(key, read(key))
            else:
                self._missing.append(key)
        self._reach()

    def _place(self, key: str) -> tuple[bool, str, bool, int, int, str]:
        found, listed = OBJECT_KEY.fullmatch(key), self._anchors.objects.get(key)
        if found is None:
            raise ValueError(key)
        number = listed.number if listed else 0
        last = self._anchors.in_last(key)
        return not last, found[2], listed is None, int(found[3]), -number, key

    def _object(self, key: str, chunks: Chunks) -> None:
        reading = Reading(self._anchors.org, _day(key))
        try:
            for text in gunzip.lines(reading.hashed(chunks)):
                reading.rows += 1
                self._line(key, reading, text)
        except Broken as broken:
            raise broken.within(object=key, **reading.next_place(broken)) from None
        try:
            self._whole(key, reading)
        except Broken as broken:
            raise broken.within(object=key) from None

    def _line(self, key: str, reading: Reading, text: bytes) -> None:
        line = read_line(text)
        reading.take(line)
        self.counts.executions += 1
        self.counts.erased += line.erased
        if self._only not in (None, line.project):
            return
        if not self._anchors.in_last(key) and self._beside(key, reading, line):
            return
        try:
            self.chains.add(line)
        except Broken as broken:
            if broken.finding.seq != line.seq:
                raise self._lost(broken) from None
            raise
        if reading.day in self._seen:
            self._seen[reading.day].add(line)

    def _beside(self, key: str, reading: Reading, line: Line) -> bool:
        """Whether an execution is no part of its chain: repeated, or of another branch."""
        head, pins = self.chains.head(line.project), self._anchors.pins
        passed, once = line.seq <= head.seq, key in self._anchors.objects
        repeated = (passed and self._seen[reading.day].has(line)) or self._branches.has(line)
        if repeated or (once and self._is_apart(head, line)):
            if key not in self.counts.spare:
                self.counts.spare.append(key)
            return True
        left = once and line.prev_hash != head.hash and pins.unabandoned(line) is None
        if passed or left or pins.lost(line.project) or self._branches.leads_to(line):
            self._branches.add(line, gaps=once)
            return True
        return False

    def _is_apart(self, head: Head, line: Line) -> bool:
        """Whether an object that was listed once holds it after what is gone, and live again."""
        pins = self._anchors.pins
        if line.seq <= head.seq + 1 or pins.unabandoned(line) is None:
            return False
        return pins.against(line.project, line.seq, line.hash) is None

    def _lost(self, broken: Broken) -> Broken:
        """A missing execution, with the missing object that should hold it."""
        if not self._missing:
            return broken
        finding, key = broken.finding, self._missing[0]
        listed = self._anchors.objects[key]
        problem = f"{finding.problem} {key} is missing, which the anchor of {listed.at} lists."
        return Broken(problem, project=finding.project, seq=finding.seq)

    def _whole(self, key: str, reading: Reading) -> None:
        """What an object as a whole must be, when each of its lines is in order."""
        digest, listed = reading.digest.hexdigest(), self._anchors.objects.get(key)
        if reading.rows == 0:
            raise Broken("It holds no executions.")
        if not key.endswith(f"-{digest[:16]}.jsonl.gz"):
            raise Broken(f"Its bytes are not those of its name: their SHA-256 is {digest}.")
        if listed and listed.sha256 != digest:
            raise Broken(f"Its bytes are not those that the anchor of {listed.at} lists.")
        if listed and listed.rows != reading.rows:
            raise Broken(
                f"It holds {reading.rows} executions; the anchor of {listed.at} says {listed.rows}."
            )
        if self._manifest.get(key, (digest, reading.rows)) != (digest, reading.rows):
            raise Broken("The database's manifest has other bytes or rows of it.")
        if digest in self._digests:
            raise Broken(f"It is a copy of {self._digests[digest]}.")
        self._digests[digest] = key
        self.counts.objects += 1

    def _reach(self) -> None:
        """Every chain goes as far as the anchors say, and every object was there."""
        for project, (seq, at) in sorted(self._anchors.archived.items()):
            head = self.chains.head(project)
            if head.seq < seq and self._only in (None, project):
                problem = f"It is missing: by the anchor of {at} the archive goes up to seq {seq}."
                lost = self._lost(Broken(problem, project=project, seq=head.seq + 1))
                raise lost.within(object=next(iter(self._missing), None))
        if self._missing:
            at = self._anchors.objects[self._missing[0]].at
            raise Broken(f"It is missing; the anchor of {at} lists it.", object=self._missing[0])

    def end(self) -> None:
        """What anchors didn't know of a fork's end, the archive does; for an archive alone."""
        for fork in self._anchors.pins.forks if self._only is None else ():
            if not (fork.known or self._branches.ends_with(fork)):
                problem = f"It is said to be abandoned up to seq {fork.claim.last_seq}, which"
                where = {"project": fork.claim.project, "seq": fork.claim.first_seq}
                raise Broken(f"{problem} nothing knows.", **where)

    def newer(self) -> int:
        """How many archived executions are newer than the last anchor."""
        anchored = self._anchors.archived
        return sum(
            max(0, head.seq - anchored.get(project, (0, ""))[0])
            for project, head in self.chains.heads.items()
        )


def _part(key: str) -> str:
    """Which part of which day an object is, whatever its bytes are."""
    return key.rpartition("-")[0]


def _day(key: str) -> str:
    return key.split("/")[2].removeprefix("dt=")
