"""Clean trails of many shapes, made by chance: what a verifier must never complain of.

The records hold what a chain needs and some of everything else; real ones are in `evidence`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from control_plane.audit import hash_payload
from control_plane.canonical import canonical, sha256
from control_plane.models import GENESIS_HASH

from tests.corruptions import named, packed
from tests.evidence import Files, anchor_text

TEXTS = ["", "plain", "ключ", '\u2028\u0000\\"/', "😀 ﬀ", "é e\u0301", "x" * 3000]
NUMBERS = [0, -1, 1.5, 1e21, 1e-7, 2**53 - 1, 5e-324, 333333333.3333333]


def identifier(chance: Random) -> str:
    """An id as projects and organizations have them."""
    return str(UUID(int=chance.getrandbits(128)))


@dataclass
class Chain:
    """A project's chain as it grows: what is archived of it, and what is live."""

    chance: Random
    org: str
    project: str
    seq: int = 0
    version: int = 0
    hash: str = GENESIS_HASH
    live: list[Any] = field(default_factory=list)
    archived: tuple[int, str] = (0, GENESIS_HASH)

    def execute(self, at: str) -> None:
        """One more execution, with any outcome."""
        status = self.chance.choice(
            ["success", "success", "rejected", "failed", "pending_approval"]
        )
        payload = {self.chance.choice(TEXTS): self.chance.choice([*NUMBERS, *TEXTS, None])}
        salt = f"{self.chance.getrandbits(128):032x}"
        record = {
            **{"v": 1, "org": self.org, "project": self.project, "seq": self.seq + 1, "at": at},
            **{"status": status, "base_version": self.version, "prev_hash": self.hash},
            "payload_hash": hash_payload(salt, canonical(payload)),
            "reasons": [{"code": self.chance.choice(TEXTS)}],
        }
        if status == "success":
            self.version += 1
            record["version"] = self.version
        self.seq, self.hash = self.seq + 1, sha256(canonical(record))
        erased = self.chance.random() < 0.1
        kept = {"payload": None, "salt": None} if erased else {"payload": payload, "salt": salt}
        self.live.append({"hash": self.hash, "record": record, **kept})

    def held(self) -> dict[str, Any]:
        """The chain in an anchor."""
        seq, hash = self.archived
        return {
            **{"project": self.project, "seq": self.seq, "hash": self.hash},
            **{"archived_seq": seq, "archived_hash": hash},
        }


class Organization:
    """An organization's days: executions, archive runs, anchors, and runs that were killed."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.id = chance, identifier(chance)
        self.chains = [
            Chain(chance, self.id, identifier(chance)) for _ in range(chance.randrange(1, 5))
        ]
        self.chains.sort(key=lambda chain: chain.project)
        self.now = datetime(2050, chance.randrange(1, 13), 28, tzinfo=UTC)
        self.files: Files = {}
        self._rows: dict[str, int] = {}
        self._anchor: bytes | None = None

    def at(self) -> str:
        """The moment, as records write it."""
        return self.now.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def day(self) -> None:
        """One day of anything, or of nothing."""
        for _ in range(self.chance.choice([0, 0, 1, 5, 12])):
            self.now += timedelta(microseconds=self.chance.choice([0, 1, 10**9]))
            self.chance.choice(self.chains).execute(self.at())
        if self.chance.random() < 0.2:
            self.archive(self.at(), killed=True)
        if self.chance.random() < 0.6:
            self.archive(self.at())
        self.anchor()
        self.now = datetime(self.now.year, self.now.month, self.now.day, tzinfo=UTC) + timedelta(
            days=1
        )

    def archive(self, until: str, *, killed: bool = False) -> None:
        """Archive what is older, one object a day, or two; a killed run lists none of it."""
        days = sorted({line["record"]["at"][:10] for c in self.chains for line in c.live})
        for day in days[:1] if killed else days:
            lines = [
                line for c in self.chains for line in c.live if line["record"]["at"][:10] == day
            ]
            lines = [line for line in lines if line["record"]["at"] < until]
            cut = (
                self.chance.randrange(1, len(lines) + 1)
                if lines and self.chance.random() < 0.3
                else None
            )
            for part in (lines[:cut], lines[cut:] if cut else []):
                if part:
                    self._put(day, part, killed)
                if killed:
                    return

    def _put(self, day: str, lines: list[Any], killed: bool) -> None:
        body = packed(lines)
        number = sum(f"/dt={day}/" in key for key in self._rows)
        key = named(f"executions/org={self.id}/dt={day}/part-{number:04}-{'0' * 16}.jsonl.gz", body)
        self.files[key] = body
        if killed:
            return
        self._rows[key] = len(lines)
        for chain in self.chains:
            mine = [line for line in lines if line["record"]["project"] == chain.project]
            if mine:
                chain.live = chain.live[len(mine) :]
                chain.archived = (mine[-1]["record"]["seq"], mine[-1]["hash"])

    def anchor(self) -> None:
        """Anchor what there is."""
        self.now += timedelta(microseconds=1)
        listed = [
            {"key": key, "sha256": hashlib.sha256(self.files[key]).hexdigest(), "rows": rows}
            for key, rows in sorted(self._rows.items())
        ]
        held = {"projects": [c.held() for c in self.chains if c.seq], "objects": listed}
        self._anchor = anchor_text(self.id, self.at(), self._anchor, held)
        self.files[f"anchors/org={self.id}/{self.at()}.json"] = self._anchor


def trails(count: int) -> Iterator[Files]:
    """So many clean trails, the same each time."""
    for seed in range(count):
        chance = Random(seed)
        files: Files = {}
        for _ in range(chance.choice([1, 1, 2, 3])):
            organization = Organization(chance)
            for _ in range(chance.randrange(1, 6)):
                organization.day()
            if chance.random() < 0.3:  # a run ended, and its anchor is not there yet
                organization.archive("9999")
            files |= organization.files
        yield files
