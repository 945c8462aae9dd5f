"""One project's chain as the database holds it, checked within bounds: what the API answers."""

from collections.abc import Iterator, Sequence

from control_plane.models import Json
from control_plane.proof.chain import Chains, Head
from control_plane.proof.finding import Broken, Finding
from control_plane.proof.line import Line, check_row
from control_plane.store import Row, Store
from control_plane.target import Target

MAX_ROWS = 2_000
MAX_BYTES = 8 * 1024 * 1024
"""What one call looks at: some tenths of a second, and little memory."""


def check_chain(store: Store, target: Target, from_seq: int = 1) -> dict[str, Json]:
    """Check a project's live executions, from a seq on where one is given.

    Answers the first fault as `finding`, in sentences what was looked at and what was not, and
    `next_from_seq` where the chain goes on after what one call looks at.
    """
    wanted = {"from_seq": from_seq, "rows": MAX_ROWS + 1, "bytes": MAX_BYTES}
    rows = store.read(target.org, "verify_chain", project=target.project, **wanted)
    return _Check(rows, from_seq).answer()


class _Check:
    """One call's check: it begins at the archive's end, or at the execution before the first."""

    def __init__(self, rows: Sequence[Row], from_seq: int) -> None:
        self._place = rows[0]
        self._project = rows[0]["project"]
        self._live = [row for row in rows if row["seq"] is not None]
        self._archived, self._end = rows[0]["archived_seq"], rows[0]["head_seq"]
        self._first = max(from_seq, self._archived + 1)
        self._chains = Chains()
        self._rows = 0

    def answer(self) -> dict[str, Json]:
        """What was found, what was looked at, and what was not."""
        finding = self._finding()
        last = self._first + self._rows - 1
        return {
            "project": self._project,
            "verified": finding is None,
            "finding": finding and finding.members(),
            "rows": self._rows,
            "first_seq": self._first if self._rows else None,
            "last_seq": last if self._rows else None,
            "next_from_seq": None if finding or last >= self._end else last + 1,
            "head": {"seq": self._end, "hash": self._place["head_hash"]},
            "archived": {"seq": self._archived, "hash": self._place["archived_hash"]},
            "checked": self._checked(last),
            "not_checked": list(self._not_checked(last)),
        }

    def _finding(self) -> Finding | None:
        try:
            self._follow()
        except Broken as broken:
            return broken.within(project=self._project).finding
        return None

    def _follow(self) -> None:
        """Each row as the chain's next; after the last one, the head that the project has."""
        if self._first > self._end + 1:
            return
        rows = [self._read(row) for row in self._live]
        head = self._chains.heads[self._project] = self._begin(rows)
        for line in rows[self._first > self._archived + 1 :]:
            self._chains.add(line)
            self._rows += 1
        whole = not rows or rows[-1].seq == self._place["last_seq"]
        stated = (self._end, self._place["head_hash"], self._place["head_version"])
        if whole and (head.seq, head.hash, head.version) != stated:
            problem = f"By the project's row the chain ends at seq {self._end}, with another head."
            raise Broken(problem, seq=min(head.seq + 1, self._end))

    def _read(self, row: Row) -> Line:
        try:
            return check_row(row)
        except Broken as broken:
            raise broken.within(seq=row["seq"]) from None

    def _begin(self, rows: Sequence[Line]) -> Head:
        """The head that the first row must be linked to: the archive's, or the row before it."""
        if self._first == self._archived + 1:
            names = ("archived_seq", "archived_hash", "archived_at", "archived_version")
            return Head(*(self._place[name] for name in names))
        if not rows or rows[0].seq != self._first - 1:
            raise Broken("It is missing.", seq=self._first - 1)
        before = rows[0]
        version = before.base_version if before.version is None else before.version
        return Head(before.seq, before.hash, before.at, version)

    def _checked(self, last: int) -> str:
        if not self._rows:
            return "No execution."
        return (
            f"Executions {self._first} to {last}, in the database: record and payload by their"
            f" hashes, and each link, the one to execution {self._first - 1} included."
        )

    def _not_checked(self, last: int) -> Iterator[str]:
        if self._archived:
            yield f"Executions 1 to {self._archived}, which are archived."
        if self._first > self._archived + 1:
            before = min(self._first - 1, self._end)
            yield f"Executions {self._archived + 1} to {before}, before from_seq."
        if last < self._end:
            yield f"Executions {last + 1} to {self._end}: ask with from_seq={last + 1}."
        yield (
            "The anchors and the stored state: `chat-agent audit verify` reads them, and the"
            " archive."
        )
